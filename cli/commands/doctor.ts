import { statfs } from 'node:fs/promises';
import { freemem, cpus } from 'node:os';
import { findUnrepeated } from '../../fuzz/campaign/repeat.js';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import {
  REQUIREMENTS,
  type Requirement,
  describeMissing,
  missingRequirements,
} from '../../targets/requirements.js';
import { KernelStore } from '../../targets/kernels/store.js';
import { kvmState } from '../../targets/qemu/accelerator.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT } from '../errors.js';

/** One line of the diagnosis. */
interface Finding {
  readonly what: string;
  readonly state: 'good' | 'missing' | 'broken' | 'note';
  readonly detail: string;
}

export function doctorCommand(finish: Finish, context: Context): Command<{ json: boolean }> {
  return {
    builder: (yargs) =>
      yargs
        .option('json', { type: 'boolean', default: false, describe: 'print data' })
        .example('$0 doctor', 'before the first run on a kernel'),
    handler: async ({ json }) => {
      const findings = await diagnose(context);
      process.stdout.write(json ? `${JSON.stringify(findings, null, 2)}\n` : render(findings));
      finish(findings.some(({ state }) => state === 'broken') ? EXIT.unknown : EXIT.pass);
    },
  };
}

/** What requirements are for, in words. */
const PURPOSES: Readonly<Record<Requirement['for'], string>> = {
  guest: 'run kernels',
  build: 'build kernels',
  selftests: "build the kernel's own selftests",
};

async function diagnose({ path, cache, isRoot }: Context): Promise<Finding[]> {
  const missing = await missingRequirements(path);
  const kernels = await new KernelStore(cache).list();
  const disk = await statfs(cache).catch(() => statfs('/'));
  const freeGib = Math.floor((disk.bavail * disk.bsize) / 2 ** 30);
  const needs = (purpose: Requirement['for']) => missing.filter((requirement) => requirement.for === purpose);
  return [
    { what: 'the embedded model', state: 'good', detail: `node ${process.version}, needs nothing else` },
    await repeatability(),
    ...REQUIREMENTS.map((requirement): Finding => {
      const isMissing = missing.includes(requirement);
      return {
        what: requirement.what,
        state: isMissing ? 'missing' : 'good',
        detail: `to ${PURPOSES[requirement.for]}, package ${requirement.package}`,
      };
    }),
    { what: 'KVM', state: 'note', detail: await kvmState(cache) },
    {
      what: 'kernels',
      state: kernels.length > 0 ? 'good' : 'note',
      detail:
        kernels.length > 0
          ? kernels.map(({ id }) => id).join(', ')
          : 'none in the cache yet: "kernel build", or npm run test:kernel',
    },
    {
      what: 'disk',
      state: freeGib >= DISK_NEEDED_GIB ? 'good' : 'note',
      detail: `${String(freeGib)} GiB free under ${cache}; building a kernel takes ${String(DISK_NEEDED_GIB)}`,
    },
    {
      what: 'machine',
      state: 'note',
      detail: `${String(cpus().length)} cores, ${String(Math.floor(freemem() / 2 ** 30))} GiB free`,
    },
    ...(['guest', 'build', 'selftests'] as const).flatMap((purpose) =>
      needs(purpose).length > 0 ? [advice(PURPOSES[purpose], needs(purpose), isRoot)] : [],
    ),
  ];
}

/** Programs of a campaign that are carried out twice: most of the last batch are made of others. */
const REPEATED_PROGRAMS = 256;

/** Whether a seed reproduces a campaign, here and with this version of Node. */
async function repeatability(): Promise<Finding> {
  const what = 'the fuzzer';
  const different = await findUnrepeated(new Behaviour(DEFAULT_PROFILE), 1, REPEATED_PROGRAMS);
  if (different !== undefined) return { what, state: 'broken', detail: different };
  const programs = String(REPEATED_PROGRAMS);
  return { what, state: 'good', detail: `${programs} programs of a campaign came out the same twice` };
}

/** Source, objects and images of one kernel. */
const DISK_NEEDED_GIB = 4;

function advice(job: string, missing: Parameters<typeof describeMissing>[0], isRoot: boolean): Finding {
  const how = isRoot ? '' : ' (as root)';
  return { what: `to ${job}`, state: 'missing', detail: `${describeMissing(missing)}${how}` };
}

function render(findings: readonly Finding[]): string {
  const marks = { good: '✓', missing: '✗', broken: '✗', note: '·' };
  return findings.map(({ what, state, detail }) => `${marks[state]} ${what.padEnd(24)} ${detail}\n`).join('');
}
