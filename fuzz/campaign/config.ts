import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { BadInputError } from '../../targets/target.js';
import { reasonOf } from '../../models/base/reason.js';
import { parseJson } from '../json_file.js';
import { once } from '../../models/ioctls/description.js';

/** The version of the format that this code writes. */
export const CAMPAIGN_SCHEMA = 1;

/** What a campaign is: what a resumption must not change. */
export interface CampaignConfig {
  readonly schema: typeof CAMPAIGN_SCHEMA;
  readonly seed: number;
  readonly workers: number;
  /** The most steps of a fresh program. */
  readonly steps: number;
  /** Calls. */
  readonly focus: readonly string[];
  /** Functions of the kernel, as `file:function`, whose edges alone are news on one with kcov. */
  readonly functions?: readonly string[];
  /** sim, qemu. */
  readonly target: string;
  /** Id or path; without it there is none. */
  readonly kernel?: string;
  readonly flavour?: string;
  readonly profile?: string;
  readonly mutant?: string;
  readonly accel?: string;
  readonly append?: string;
}

const TEXT = { type: 'string' } as const;

/** Compiled when a file is read: no command that reads none should wait for it. */
const validator = once(() =>
  new Ajv().compile<CampaignConfig>({
    type: 'object',
    properties: {
      schema: { const: CAMPAIGN_SCHEMA },
      seed: { type: 'integer' },
      workers: { type: 'integer', minimum: 1 },
      steps: { type: 'integer', minimum: 1 },
      focus: { type: 'array', items: TEXT },
      functions: { type: 'array', items: TEXT },
      target: TEXT,
      kernel: TEXT,
      flavour: TEXT,
      profile: TEXT,
      mutant: TEXT,
      accel: TEXT,
      append: TEXT,
    },
    required: ['schema', 'seed', 'workers', 'steps', 'focus', 'target'],
    additionalProperties: false,
  }),
);

/** @throws BadInputError saying in one sentence what is wrong with the file */
export async function readConfig(path: string): Promise<CampaignConfig> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new BadInputError(`there is no campaign: ${reasonOf(error)}`);
  });
  const json = parseJson(path, text);
  const validate = validator();
  if (validate(json)) return json;
  const [error] = validate.errors ?? [];
  throw new BadInputError(
    `${path} is no campaign of this version: ${error?.instancePath.slice(1) ?? ''} ${error?.message ?? 'it is something else'}`,
  );
}
