import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Interruption } from './interruption.js';

/** What commands know of the world around them: read here, and nowhere else. */
export interface Context {
  readonly version: string;
  /** Where kernels and other things that take long to make are kept. */
  readonly cache: string;
  /** PATH. */
  readonly path: string;
  readonly agentSources: string;
  readonly recorderSources: string;
  /** Of the init that runs the kernel's own selftests. */
  readonly initSources: string;
  /** Of what is preloaded into them to note the code that they reach. */
  readonly kcovSources: string;
  /** What every C file of a program has. */
  readonly reproducerRuntime: string;
  readonly kernelFragments: string;
  readonly corpus: string;
  /** Pages about kernel findings. */
  readonly findings: string;
  /** Whether somebody watches: progress is drawn then, and printed line by line otherwise. */
  readonly isInteractive: boolean;
  /** Milliseconds between lines that say how far something is. */
  readonly progressEvery: number;
  readonly isRoot: boolean;
  /** Raised by Ctrl-C: finish with what there is. */
  readonly interrupted: AbortSignal;
  readonly interruption: Interruption;
  /** The environment of programs that are started. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
}

/** The root of the package, above dist/cli. */
const ROOT = resolve(import.meta.dirname, '../..');

const PROGRESS_SECONDS = 10;

function progressSeconds(text = ''): number {
  return /^\d+$/.test(text) ? Number(text) : PROGRESS_SECONDS;
}

function versionOfPackage(): string {
  return (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string })
    .version;
}

export function makeContext(env: Readonly<NodeJS.ProcessEnv>, interruption: Interruption): Context {
  return {
    version: versionOfPackage(),
    cache: env.IOMMUFD_CTS_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'iommufd-cts'),
    path: env.PATH ?? '',
    agentSources: join(ROOT, 'targets/agent/src'),
    recorderSources: join(ROOT, 'targets/recorder/src'),
    initSources: join(ROOT, 'targets/selftests/src'),
    kcovSources: join(ROOT, 'targets/kcov/src'),
    reproducerRuntime: join(ROOT, 'fuzz/export_c/runtime'),
    kernelFragments: join(ROOT, 'targets/kernels'),
    corpus: join(ROOT, 'corpus'),
    findings: join(ROOT, 'docs/findings'),
    isInteractive: process.stderr.isTTY && env.CI === undefined,
    progressEvery: 1000 * progressSeconds(env.IOMMUFD_CTS_PROGRESS),
    isRoot: process.getuid?.() === 0,
    interrupted: interruption.signal,
    interruption,
    environment: env,
  };
}
