import { fileURLToPath } from 'node:url';
import {
  type CallToolResult,
  McpServer,
  type ServerContext,
  fromJsonSchema,
} from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { execa } from 'execa';
import type { Context } from '../context.js';
import { EXIT } from '../errors.js';
import type { Tool, ToolInput } from './tools.js';

const INSTRUCTIONS = `Conformance tests, reference model and fuzzer for Linux iommufd. Without a kernel everything runs on the embedded model.
"explain" tells of a call (IOMMU_IOAS_MAP), a rule, a scenario or a kernel finding; "list" of the scenarios; "run" runs them; "replay" says step by step what a
program that is stored in a file must be answered; "check" whether a recorded trace was legal; "gate" judges a kernel tree. Exit codes are verdicts: ${String(EXIT.pass)} pass,
${String(EXIT.finding)} a finding or a failed expectation, ${String(EXIT.unknown)} could not tell, ${String(EXIT.usage)} the request makes no sense.`;

/** What an exit code says. */
const MEANS: Readonly<Record<number, string>> = {
  [EXIT.pass]: 'pass',
  [EXIT.finding]: 'a finding, or a failed expectation',
  [EXIT.unknown]: 'could not tell',
  [EXIT.usage]: 'the request makes no sense',
};

/** More of an answer is cut out of its middle, in characters: agents read all of it. */
const ANSWER_MAX = 60_000;

/** As progress is told where nobody watches. */
const PROGRESS = /: (\d+) of (\d+) /;

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));

/** How long a command that is told to end may take to write what it has, in milliseconds. */
const END_MS = 30_000;

/** Serves tools on the standard input and output; fulfilled when the client has gone, or after Ctrl-C. */
export async function serveTools(tools: readonly Tool[], context: Context): Promise<void> {
  const server = new McpServer(
    { name: 'iommufd-cts', version: context.version },
    { instructions: INSTRUCTIONS },
  );
  const gone = new AbortController();
  const ended = AbortSignal.any([gone.signal, context.interrupted]);
  for (const tool of tools) addTool(server, tool, ended);
  const transport = new StdioServerTransport();
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
  });
  await server.connect(transport);
  if (process.stdin.isTTY) process.stderr.write('mcp: waits for a client on the standard input\n');
  context.interrupted.addEventListener('abort', () => void server.close());
  await closed;
  gone.abort();
}

function addTool(server: McpServer, tool: Tool, ended: AbortSignal): void {
  const { name, description, inputSchema } = tool;
  server.registerTool(
    name,
    {
      description,
      inputSchema: fromJsonSchema<ToolInput>({ ...inputSchema, properties: { ...inputSchema.properties } }),
    },
    (input, asked) => answer(tool, input, asked, ended),
  );
}

/** Runs the command in a process of its own: what it prints is the answer. */
async function answer(
  { argsFor }: Tool,
  input: ToolInput,
  { mcpReq }: ServerContext,
  ended: AbortSignal,
): Promise<CallToolResult> {
  const running = execa(process.execPath, [MAIN, ...argsFor(input)], {
    cancelSignal: AbortSignal.any([mcpReq.signal, ended]),
    killSignal: 'SIGINT',
    forceKillAfterDelay: END_MS,
    reject: false,
    stdin: 'ignore',
    env: { NO_COLOR: '1', CI: 'true' },
  });
  const token = mcpReq._meta?.progressToken;
  running.stderr.on('data', (text: Buffer) => {
    const [, progress, total] = PROGRESS.exec(text.toString()) ?? [];
    if (token === undefined || progress === undefined) return;
    const message = text.toString().trim();
    const params = { progressToken: token, progress: Number(progress), total: Number(total), message };
    // A client that has gone needs no progress.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  });
  const { stdout, stderr, exitCode } = await running;
  const said = stderr.split('\n').filter((line) => line !== '' && !PROGRESS.test(line));
  const means = exitCode === undefined ? 'it was ended' : (MEANS[exitCode] ?? 'unknown');
  const parts = [
    ...(stdout === '' ? [] : [cut(stdout)]),
    ...(said.length === 0 ? [] : [cut(said.join('\n'))]),
    `exit code ${String(exitCode ?? 'none')}: ${means}`,
  ];
  return {
    content: parts.map((text) => ({ type: 'text', text })),
    isError: exitCode === undefined || exitCode === EXIT.usage,
  };
}

function cut(text: string): string {
  if (text.length <= ANSWER_MAX) return text;
  const half = ANSWER_MAX / 2;
  const left = text.length - ANSWER_MAX;
  return `${text.slice(0, half)}\n… ${String(left)} characters are left out here; a file takes all of it …\n${text.slice(-half)}`;
}
