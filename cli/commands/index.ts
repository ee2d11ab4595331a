import { type AddCommand, command } from '../command.js';

/** What there is to do: how it is called, and what help says of it. */
const DEEDS: readonly AddCommand[] = [
  command(
    'run [query..]',
    'run scenarios on a target and judge every answer',
    async () => (await import('./run.js')).runCommand,
  ),
  command(
    'list [query..]',
    'list scenarios with their plans',
    async () => (await import('./list.js')).listCommand,
  ),
  command(
    'designs [name]',
    'compare the designs of the patch discussions: which invariant breaks, by which program',
    async () => (await import('./designs.js')).designsCommand,
  ),
  command(
    'explain [id]',
    'explain a call, a rule, an invariant, a scenario or a kernel finding in prose',
    async () => (await import('./explain.js')).explainCommand,
  ),
  command(
    'replay <file..>',
    'run stored programs on a target, step by step',
    async () => (await import('./replay.js')).replayCommand,
  ),
  command(
    'report <paths..>',
    'write an HTML report, one file, of runs, campaigns and coverage of kernels',
    async () => (await import('./report.js')).reportCommand,
  ),
  command(
    'reduce <file>',
    'find the smallest program with the same finding',
    async () => (await import('./reduce.js')).reduceCommand,
  ),
  command(
    'export <file..>',
    'write stored programs in forms that others read or run',
    async () => (await import('./export.js')).exportCommand,
  ),
  command(
    'import <file..>',
    'turn programs of syzkaller into programs to replay',
    async () => (await import('./import.js')).importCommand,
  ),
  command(
    'fuzz',
    'search a target for what the model does not allow, with programs that lead to new states',
    async () => (await import('./fuzz.js')).fuzzCommand,
  ),
  command(
    'corpus <action>',
    'look after directories of programs',
    async () => (await import('./corpus.js')).corpusCommand,
  ),
  command(
    'mutants [name..]',
    'which planted differences a campaign finds, and with which of its programs',
    async () => (await import('./mutants.js')).mutantsCommand,
  ),
  command(
    'gate [query..]',
    'all that a change to a kernel has to pass: build, boot, run, report, and one verdict',
    async () => (await import('./gate.js')).gateCommand,
  ),
  command(
    'diff <a> <b>',
    'compare two runs, coverages, kernels or two designs, in words',
    async () => (await import('./diff.js')).diffCommand,
  ),
  command(
    'kernel <action>',
    'build and manage test kernels',
    async () => (await import('./kernel.js')).kernelCommand,
  ),
  command(
    'sweep [query..]',
    'make each allocation of each call fail in turn, and judge what the call leaves',
    async () => (await import('./sweep.js')).sweepCommand,
  ),
  command(
    'boot <program..>',
    'boot a kernel in a virtual machine and run programs on it, one after another',
    async () => (await import('./boot.js')).bootCommand,
  ),
  command(
    'test-kernel',
    'hold the model against real kernels: all scenarios and random programs on Linux 7.3 and 6.12',
    async () => (await import('./test_kernel.js')).testKernelCommand,
  ),
  command(
    'coverage [query..]',
    'say which lines of the kernel scenarios and other programs reach, by kcov',
    async () => (await import('./coverage.js')).coverageCommand,
  ),
  command(
    'patch <file>',
    'say which lines that a diff changes were executed, and by what',
    async () => (await import('./patch.js')).patchCommand,
  ),
  command(
    'record',
    'run a program and record what it does with iommufd and VFIO: record [-o FILE] -- COMMAND…',
    async () => (await import('./record.js')).recordCommand,
  ),
  command(
    'check <trace>',
    'hold a recorded trace against the model, call by call',
    async () => (await import('./check.js')).checkCommand,
  ),
  command(
    'record-selftests',
    "record the kernel's own selftests of iommufd while they run on it in a virtual machine",
    async () => (await import('./record_selftests.js')).recordSelftestsCommand,
  ),
  command(
    'bench',
    'measure model, campaign, agent and differential loop in one run, as ratios',
    async () => (await import('./bench.js')).benchCommand,
  ),
  command(
    'doctor',
    'say what works on this machine, and what to install for the rest',
    async () => (await import('./doctor.js')).doctorCommand,
  ),
];

/** Every command. */
export const COMMANDS: readonly AddCommand[] = [
  ...DEEDS,
  command('mcp', 'serve all of this to agents, as tools of the Model Context Protocol', async () => {
    const { mcpCommand } = await import('./mcp.js');
    return mcpCommand(DEEDS);
  }),
];
