#!/bin/sh
# Which commit broke iommufd? In the kernel tree: git bisect start BAD GOOD, then git bisect run sh bisect.sh [QUERY...]
# What a query selects is all that is run besides stored and random programs: name what fails now, and --programs 0.
# A commit of which nothing can be told, as one that does not build, is passed over; a command line that makes no sense ends it.
set -u

# Installed with npm, or from a checkout of iommufd-cts: IOMMUFD_CTS="node ~/iommufd-cts/dist/cli/main.js"
gate=${IOMMUFD_CTS:-iommufd-cts}

# Beside git's own files, for the tree to stay clean.
out=${OUT:-$(git rev-parse --absolute-git-dir)/iommufd-cts}

# The command may be two words.
# shellcheck disable=SC2086
$gate gate --source . --out "$out" "$@"
case $? in
0) exit 0 ;;
1) exit 1 ;;
2) exit 125 ;;
*) exit 128 ;;
esac
