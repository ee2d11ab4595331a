import { readFile } from 'node:fs/promises';
import { buildRecorder } from '../../targets/recorder/build.js';
import { record } from '../../targets/recorder/record.js';
import { type Trace, readTrace } from '../../targets/trace/reader.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';

const DEFAULT_TRACE = 'iommufd.trace';

interface RecordArgs {
  readonly output: string;
  readonly '--'?: readonly string[];
}

export function recordCommand(finish: Finish, context: Context): Command<RecordArgs> {
  return {
    builder: (yargs) =>
      yargs
        .option('output', {
          alias: 'o',
          type: 'string',
          default: DEFAULT_TRACE,
          describe: 'the trace; a file of that name is replaced',
        })
        .example('$0 record -- qemu-system-x86_64 -object iommufd,id=iommufd0 …', 'a virtual machine')
        .example('$0 record -o self.trace -- ./iommufd', 'a selftest of the kernel'),
    handler: async ({ output, '--': command = [] }) => {
      finish(await recordProgram(output, command, context));
    },
  };
}

async function recordProgram(trace: string, command: readonly string[], context: Context): Promise<number> {
  const [program, ...args] = command;
  if (program === undefined) throw new UsageError('say what to record after "--", as in record -- ./program');
  const library = await buildRecorder(context.recorderSources, context.cache);
  const code = await record({
    library,
    trace,
    command: [program, ...args],
    environment: context.environment,
    onStart: (running) => {
      context.interruption.handOver((signal) => {
        // A terminal sends its signals to the program as well.
        if (signal !== 'SIGINT' || !process.stdin.isTTY) running.kill(signal);
      });
    },
  });
  process.stderr.write(`iommufd-cts: ${summary(trace, readTrace(await readFile(trace), trace))}\n`);
  return code;
}

function summary(file: string, { records, troubles }: Trace): string {
  if (records.length === 0 && troubles.length === 0) {
    return `${file} is empty: the program opened neither /dev/iommu nor /dev/vfio, or is static, set-user-ID or of 32 bits`;
  }
  const processes = new Set(records.map(({ process: id }) => id)).size;
  const recorded = `${plural(records.length, 'record', 's')} of ${plural(processes, 'process', 'es')}`;
  return [`${recorded} in ${file}`, ...troubles].join('; ');
}

function plural(count: number, word: string, ending: string): string {
  return `${String(count)} ${word}${count === 1 ? '' : ending}`;
}
