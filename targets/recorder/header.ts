import {
  DEVICE,
  KINDS,
  MEMBERS_MAX,
  PARTS_MAX,
  PART_BYTES_MAX,
  PART_HEADER,
  PART_HEADER_BYTES,
  REASON,
  RECORD_ALIGNMENT,
  RECORD_BYTES_MAX,
  RECORD_HEADER,
  RECORD_HEADER_BYTES,
  RECORD_MAGIC,
  ROLE,
  TRACE_HEADER,
  TRACE_HEADER_BYTES,
  TRACE_MAGIC,
  TRACE_VERSION,
} from '../trace/format.js';
import { type CallShape, type Measure, SHAPES } from './shapes.js';

/** Names of environment variables that the command and the library share. */
export const ENVIRONMENT = { TRACE: 'IOMMUFD_CTS_TRACE', LIBRARY: 'IOMMUFD_CTS_RECORDER' } as const;

/** The header that the C sources of the recorder include: the numbers of the trace format and the shapes of the calls. */
export function recorderHeader(): string {
  return [
    '/* Generated from targets/trace/format.ts and the call descriptions. */',
    define('TRACE_MAGIC', JSON.stringify(TRACE_MAGIC)),
    define('TRACE_VERSION', TRACE_VERSION),
    define('TRACE_HEADER_BYTES', TRACE_HEADER_BYTES),
    define('RECORD_MAGIC', `${String(RECORD_MAGIC)}u`),
    define('RECORD_ALIGNMENT', RECORD_ALIGNMENT),
    define('RECORD_HEADER_BYTES', RECORD_HEADER_BYTES),
    define('RECORD_BYTES_MAX', RECORD_BYTES_MAX),
    define('PART_HEADER_BYTES', PART_HEADER_BYTES),
    define('PART_BYTES_MAX', PART_BYTES_MAX),
    define('PARTS_MAX', PARTS_MAX),
    define('MEMBERS_MAX', MEMBERS_MAX),
    define('TRACE_VARIABLE', JSON.stringify(ENVIRONMENT.TRACE)),
    define('LIBRARY_VARIABLE', JSON.stringify(ENVIRONMENT.LIBRARY)),
    ...table('TRACE_AT', TRACE_HEADER),
    ...table('RECORD_AT', RECORD_HEADER),
    ...table('PART_AT', PART_HEADER),
    ...table('ROLE', ROLE),
    ...table('DEVICE', DEVICE),
    ...table('REASON', REASON),
    ...Object.entries(KINDS).map(([name, { code }]) => define(`KIND_${name.toUpperCase()}`, code)),
    define('CALL_SHAPES', `{ \\\n${SHAPES.map(row).join('')}}`),
    '',
  ].join('\n');
}

function define(name: string, value: number | string): string {
  return `#define ${name} ${String(value)}`;
}

function table(prefix: string, values: Readonly<Record<string, number>>): string[] {
  return Object.entries(values).map(([name, value]) => define(`${prefix}_${name}`, value));
}

/** What the C side takes for no measure at all. */
const NOWHERE: Measure = { offset: 0, bytes: 0 };

/** One call as an initializer of struct call_shape. */
function row({ name, command, op, members }: CallShape): string {
  const rows = members.map(
    ({ what, at, unit, factors, granule }) =>
      `{ MEMBER_${what.toUpperCase()}, ${measure(at)}, ${String(unit)}, { ${(factors.length === 0 ? [NOWHERE] : factors).map(measure).join(', ')} }, ${measure(granule ?? NOWHERE)} }`,
  );
  const start = `\t{ /* ${name} */ ${String(command)}u, ${measure(op?.at ?? NOWHERE)}, ${String(op?.value ?? 0)}`;
  return `${start}, { ${rows.join(', ')} } }, \\\n`;
}

function measure({ offset, bytes }: Measure): string {
  return `{ ${String(offset)}, ${String(bytes)} }`;
}
