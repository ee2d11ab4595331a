#!/bin/sh
# The gate on a kernel tree: sh gate.sh ~/linux [BASELINE]
# BASELINE is the result.json of an earlier gate: only what did not fail there counts.
# Ends with 0 pass, 1 a finding, 2 could not tell, 64 usage; reports are left in $OUT.
set -eu

tree=${1:?say which kernel tree: sh gate.sh ~/linux}
baseline=${2:-}
out=${OUT:-runs/gate}

# Installed with npm, or from a checkout of iommufd-cts: IOMMUFD_CTS="node ~/iommufd-cts/dist/cli/main.js"
gate=${IOMMUFD_CTS:-iommufd-cts}

set -- gate --source "$tree" --out "$out" --time 15m
[ -z "$baseline" ] || set -- "$@" --baseline "$baseline"
# The command may be two words.
# shellcheck disable=SC2086
exec $gate "$@"
