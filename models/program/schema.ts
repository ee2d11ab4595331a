import { CAPABILITIES } from './credentials.js';
import { PROGRAM_SCHEMA } from './program.js';
import { VFIO_PLACES } from './vfio_nodes.js';
import { LANES_MAX, LANE_STEPS_MAX } from './raw.js';

const WORD = { type: 'string', pattern: '^0x[0-9a-fA-F]{1,16}$' } as const;
const COUNT = { type: 'integer', minimum: 0 } as const;
const NAME = { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_]*$' } as const;

const REFERENCE = {
  type: 'object',
  properties: {
    ref: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_]*[.][A-Za-z_][A-Za-z0-9_]*$' },
    plus: WORD,
  },
  required: ['ref'],
  additionalProperties: false,
} as const;

const FD = {
  type: 'object',
  properties: { fd: NAME },
  required: ['fd'],
  additionalProperties: false,
} as const;

const SCALAR = { anyOf: [{ type: 'integer' }, WORD, REFERENCE] } as const;

const EDGE = {
  type: 'object',
  properties: { edge: COUNT },
  required: ['edge'],
  additionalProperties: false,
} as const;

const PAGE_OFFSET = {
  type: 'object',
  properties: { page_offset: { type: 'integer', minimum: 0, maximum: 4095 } },
  required: ['page_offset'],
  additionalProperties: false,
} as const;

const ARRAY = {
  type: 'object',
  properties: {
    ranges: { type: 'array', items: { type: 'array', items: SCALAR, minItems: 2, maxItems: 2 } },
    words: { type: 'array', items: SCALAR },
    room: COUNT,
    in: { anyOf: [{ enum: ['args', 'sealed'] }, PAGE_OFFSET, EDGE] },
  },
  oneOf: [{ required: ['ranges'] }, { required: ['words'] }, { required: ['room'] }],
  additionalProperties: false,
} as const;

/** The members of one kind of step. */
function step(kind: string, properties: object, required: readonly string[]): object {
  return {
    type: 'object',
    properties: { do: { const: kind }, by: NAME, ...properties },
    required: ['do', ...required],
    additionalProperties: false,
  };
}

const PLACE = { anyOf: [{ enum: ['args', 'null', 'hole', 'sealed'] }, EDGE] } as const;
const MMAP_ACCESS = { enum: ['rw', 'ro', 'none', 'rwx'] } as const;
const NTH = { type: 'integer', minimum: 1, maximum: 0xffff } as const;
const U32 = { type: 'integer', minimum: 0, maximum: 0xffff_ffff } as const;

const STEPS = {
  open: step('open', { label: NAME, access: { const: 'ro' }, node: { enum: Object.keys(VFIO_PLACES) } }, [
    'label',
  ]),
  memfd: step(
    'memfd',
    { label: NAME, bytes: WORD, huge: { type: 'boolean' }, fallocated: { type: 'boolean' } },
    ['label', 'bytes'],
  ),
  truncate: step('truncate', { file: NAME, bytes: WORD }, ['file', 'bytes']),
  dup: step('dup', { file: NAME, label: NAME }, ['file', 'label']),
  read: step('read', { file: NAME, bytes: COUNT, offset: WORD, at: PLACE, failNth: NTH }, ['file', 'bytes']),
  write: step(
    'write',
    { file: NAME, words: { type: 'array', items: U32 }, bytes: COUNT, offset: WORD, at: PLACE, failNth: NTH },
    ['file', 'words'],
  ),
  poll: step('poll', { file: NAME }, ['file']),
  close: step('close', { file: NAME }, ['file']),
  ioctl: step(
    'ioctl',
    {
      file: NAME,
      call: NAME,
      label: NAME,
      args: { type: 'object', additionalProperties: { anyOf: [SCALAR, FD, ARRAY] } },
      tail: {
        type: 'object',
        properties: { bytes: COUNT, value: { type: 'integer', minimum: 0, maximum: 255 } },
        required: ['bytes', 'value'],
        additionalProperties: false,
      },
      at: PLACE,
      command: U32,
      fd: NAME,
      failNth: NTH,
    },
    ['file', 'call', 'args'],
  ),
  mmap: step(
    'mmap',
    {
      start: WORD,
      bytes: WORD,
      access: MMAP_ACCESS,
      file: NAME,
      offset: WORD,
      isPrivate: { type: 'boolean' },
      huge: { type: 'boolean' },
    },
    ['start', 'bytes', 'access'],
  ),
  mremap: step('mremap', { start: WORD, bytes: WORD, newBytes: WORD, to: WORD }, [
    'start',
    'bytes',
    'newBytes',
  ]),
  mprotect: step('mprotect', { start: WORD, bytes: WORD, access: MMAP_ACCESS }, ['start', 'bytes', 'access']),
  munmap: step('munmap', { start: WORD, bytes: WORD }, ['start', 'bytes']),
  process: step('process', { drop: { type: 'array', items: { enum: CAPABILITIES } }, memlock: WORD }, []),
  counters: step('counters', {}, []),
  fork: step('fork', { label: NAME }, ['label']),
  exec: step('exec', {}, ['by']),
  cloexec: step('cloexec', { file: NAME, isSet: { type: 'boolean' } }, ['file', 'isSet']),
  pass: step('pass', { file: NAME, to: NAME, label: NAME }, ['file', 'label']),
  exit: step('exit', {}, ['by']),
} as const;

/** Kinds of steps, of which `do` selects one. */
function anyOf(kinds: readonly object[]): object {
  return { type: 'object', discriminator: { propertyName: 'do' }, required: ['do'], oneOf: kinds };
}

/** Steps that lanes can have. */
const LANE_STEPS = [STEPS.ioctl, STEPS.close, STEPS.read, STEPS.write, STEPS.mmap, STEPS.munmap];

const LANES = step(
  'lanes',
  {
    lanes: {
      type: 'array',
      minItems: 2,
      maxItems: LANES_MAX,
      items: { type: 'array', minItems: 1, maxItems: LANE_STEPS_MAX, items: anyOf(LANE_STEPS) },
    },
  },
  ['lanes'],
);

/**
 * JSON Schema (draft 7) of a program file. `do` selects the kind of a step first, so that a complaint names the member that is
 * wrong and not every kind it could have been.
 */
export const PROGRAM_JSON_SCHEMA = {
  type: 'object',
  properties: {
    schema: { const: PROGRAM_SCHEMA },
    about: { type: 'string' },
    steps: {
      type: 'array',
      items: anyOf([...Object.values(STEPS), LANES]),
    },
  },
  required: ['schema', 'steps'],
  additionalProperties: false,
} as const;
