import type { Profile } from '../../models/profiles/index.js';

/** How the kernel of a profile is built. */
const BUILD: Readonly<Record<string, string>> = {
  '7.3': '--package linux-source-7.3 --suite trixie-backports',
  '6.12': '--package linux-source-6.12',
};

/** Ends the C file in the script; no line of it is that. */
const END = 'END_OF_REPRODUCER';

/**
 * A shell script that compiles a C file, builds the kernel that it is about or takes another one, boots it, and runs the program on it.
 * @param c as `exportC` writes it
 */
export function exportScript(c: string, about: string | undefined, profile: Profile): string {
  const title = (about ?? 'a reproducer').replaceAll('\n', ' ');
  const build = BUILD[profile.id] ?? '--source linux';
  return [
    '#!/bin/sh',
    `# ${title}`,
    '#',
    '# Usage: sh reproducer.sh [KERNEL]',
    `# KERNEL is the id of a kernel in the cache ("iommufd-cts kernel list"); without one, Linux ${profile.id} is built if it is not there.`,
    '# Exits with 0 if the kernel answers as the model says, 1 if it does not, 2 if that could not be told.',
    'set -eu',
    'iommufd_cts=${IOMMUFD_CTS:-iommufd-cts}',
    'work=$(mktemp -d)',
    `trap 'rm -rf "$work"' EXIT`,
    `cat > "$work/reproducer.c" <<'${END}'`,
    c.trimEnd(),
    END,
    '${CC:-cc} -Wall -O1 -static -pthread -o "$work/reproducer" "$work/reproducer.c" || exit 2',
    'if [ $# -gt 0 ]; then',
    '\tkernel=$1',
    'else',
    `\tkernel=$($iommufd_cts kernel build ${build} | tail -n 1 | cut -d ' ' -f 1)`,
    'fi',
    '$iommufd_cts boot "$work/reproducer" --kernel "$kernel"',
    '',
  ].join('\n');
}
