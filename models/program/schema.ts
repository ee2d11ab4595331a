import { CAPABILITIES } from './credentials.js';
import { PROGRAM_SCHEMA } from './program.js';

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

const SCALAR = { anyOf: [{ type: 'integer' }, WORD, REFERENCE] } as const;

const EDGE = {
  type: 'object',
  properties: { edge: COUNT },
  required: ['edge'],
  additionalProperties: false,
} as const;

const ARRAY = {
  type: 'object',
  properties: {
    ranges: { type: 'array', items: { type: 'array', items: SCALAR, minItems: 2, maxItems: 2 } },
    words: { type: 'array', items: SCALAR },
    room: COUNT,
    in: { anyOf: [{ enum: ['args', 'sealed'] }, EDGE] },
  },
  oneOf: [{ required: ['ranges'] }, { required: ['words'] }, { required: ['room'] }],
  additionalProperties: false,
} as const;

/** The members of one kind of step. */
function step(kind: string, properties: object, required: readonly string[]): object {
  return {
    type: 'object',
    properties: { do: { const: kind }, ...properties },
    required: ['do', ...required],
    additionalProperties: false,
  };
}

const STEPS = {
  open: step('open', { label: NAME }, ['label']),
  close: step('close', { file: NAME }, ['file']),
  ioctl: step(
    'ioctl',
    {
      file: NAME,
      call: NAME,
      label: NAME,
      args: { type: 'object', additionalProperties: { anyOf: [SCALAR, ARRAY] } },
      tail: {
        type: 'object',
        properties: { bytes: COUNT, value: { type: 'integer', minimum: 0, maximum: 255 } },
        required: ['bytes', 'value'],
        additionalProperties: false,
      },
      at: { anyOf: [{ enum: ['args', 'null', 'hole', 'sealed'] }, EDGE] },
      command: { type: 'integer', minimum: 0, maximum: 0xffff_ffff },
    },
    ['file', 'call', 'args'],
  ),
  mmap: step('mmap', { start: WORD, bytes: WORD, access: { enum: ['rw', 'ro', 'none'] } }, [
    'start',
    'bytes',
    'access',
  ]),
  munmap: step('munmap', { start: WORD, bytes: WORD }, ['start', 'bytes']),
  process: step('process', { drop: { type: 'array', items: { enum: CAPABILITIES } }, memlock: WORD }, []),
  counters: step('counters', {}, []),
} as const;

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
      items: {
        type: 'object',
        discriminator: { propertyName: 'do' },
        required: ['do'],
        oneOf: Object.values(STEPS),
      },
    },
  },
  required: ['schema', 'steps'],
  additionalProperties: false,
} as const;
