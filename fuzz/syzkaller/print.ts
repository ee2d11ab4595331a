import type { SyzCall, SyzLine, Value } from './text.js';

/** A program as a file has it. */
export function printProgram(lines: readonly SyzLine[]): string {
  return lines.map((line) => `${'comment' in line ? `# ${line.comment}` : printCall(line)}\n`).join('');
}

function printCall({ name, args, result, failNth }: SyzCall): string {
  const call = `${name}(${args.map(printValue).join(', ')})`;
  return `${result === undefined ? '' : `${result} = `}${call}${failNth === undefined ? '' : ` (fail_nth: ${String(failNth)})`}`;
}

function printValue(value: Value): string {
  switch (value.is) {
    case 'number':
      return named(value.produces, hexOf(value.value));
    case 'variable':
      return named(value.produces, `${value.name}${value.plus === 0n ? '' : `+${hexOf(value.plus)}`}`);
    case 'pointer': {
      const size = value.bytes === undefined ? '' : `/${hexOf(value.bytes)}`;
      const place = value.address === undefined ? 'AUTO' : `(${hexOf(value.address)}${size})`;
      // A range of addresses has nothing in it.
      const to = value.to ?? (value.bytes === undefined ? undefined : NOTHING);
      return `&${place}${to === undefined ? '' : `=${printValue(to)}`}`;
    }
    case 'data': {
      const { bytes, length, isReadable = false } = value;
      const content = isReadable ? `'${readable(bytes)}'` : `"${Buffer.from(bytes).toString('hex')}"`;
      return length === undefined ? content : `${content}/${String(length)}`;
    }
    case 'struct':
      return `{${value.members.map(printValue).join(', ')}}`;
    case 'array':
      return `[${value.items.map(printValue).join(', ')}]`;
    case 'union':
      return `@${value.option}${value.value === undefined ? '' : `=${printValue(value.value)}`}`;
    case 'nil':
      return 'nil';
    case 'auto':
      return 'AUTO';
  }
}

const NOTHING: Value = { is: 'nil' };

function named(produces: string | undefined, value: string): string {
  return produces === undefined ? value : `<${produces}=>${value}`;
}

function hexOf(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function readable(bytes: Uint8Array): string {
  return [...bytes]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (character === "'" || character === '\\') return `\\${character}`;
      return byte >= 0x20 && byte < 0x7f ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}
