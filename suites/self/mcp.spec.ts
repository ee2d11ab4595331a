import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { assert } from 'chai';
import { COMMANDS } from '../../cli/commands/index.js';
import { present } from '../../models/base/assert.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const MAIN = join(import.meta.dirname, '../../cli/main.js');

/** What a schema says of one member. */
interface Member {
  readonly type: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
}

function membersOf({ properties }: { readonly properties?: unknown }): Readonly<Record<string, Member>> {
  return properties as Record<string, Member>;
}

describe('mcp', () => {
  let directory: string;
  let client: Client;

  before(async () => {
    directory = await makeDirectory();
    client = new Client({ name: 'test', version: '1' });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [MAIN, 'mcp'],
        cwd: directory,
        env: { ...(process.env as Record<string, string>), IOMMUFD_CTS_PROGRESS: '0' },
      }),
    );
  });

  after(async () => {
    await client.close();
    await removeDirectory(directory);
  });

  async function call(
    name: string,
    args: Record<string, unknown>,
  ): Promise<{ readonly text: string; readonly isError: boolean }> {
    const { content, isError = false } = await client.callTool({ name, arguments: args });
    const texts = content.map((part) => (part.type === 'text' ? part.text : ''));
    return { text: texts.join('\n'), isError };
  }

  it('offers every command but those that are not for agents, with what help says of it', async () => {
    const { tools } = await client.listTools();
    // Those of "corpus" and "kernel" are tools of their own, "mcp" and "record" are none.
    assert.lengthOf(tools, COMMANDS.length - 2 - 2 + 3 + 4);
    assert.includeMembers(
      tools.map(({ name }) => name),
      ['run', 'gate', 'corpus-merge', 'kernel-list', 'test-kernel'],
    );
    for (const { name, description, inputSchema } of tools) {
      assert.isNotEmpty(description, name);
      const members = Object.entries(membersOf(inputSchema));
      for (const [member, { type, description: says }] of members) {
        assert.oneOf(type, ['string', 'number', 'boolean', 'array'], `${name} ${member}`);
        assert.isNotEmpty(says, `${name} ${member}`);
      }
    }
    const replay = present(
      tools.find(({ name }) => name === 'replay'),
      'the tool',
    ).inputSchema;
    assert.deepEqual(replay.required, ['file']);
    const { file, profile, reading } = membersOf(replay);
    assert.equal(file?.type, 'array');
    assert.deepEqual(profile?.enum, ['7.3', '6.12']);
    assert.equal(reading?.default, 'exact');
  });

  it('answers with what the command prints, and with its verdict', async () => {
    const { text, isError } = await call('run', { query: ['ioas/alloc'], profile: '6.12', variants: false });
    assert.isFalse(isError);
    assert.match(text, /expectations of Linux 6\.12/);
    assert.match(text, /^exit code 0: pass$/m);
    const explained = await call('explain', { id: 'IOMMU_IOAS_MAP/EEXIST.area' });
    assert.match(explained.text, /io_pagetable\.c/);
  });

  it('answers with a finding, which is no error of the tool', async () => {
    const args = {
      target: 'sim',
      mutant: 'IOMMU_DESTROY/EBUSY.users:drop',
      query: ['object/destroy'],
      programs: 0,
    };
    const { text, isError } = await call('gate', args);
    assert.isFalse(isError, text);
    assert.match(text, /object\/destroy:ioas,held_by_page_table/);
    assert.match(text, /^exit code 1: a finding, or a failed expectation$/m);
  });

  it('says in one sentence what is wrong with a request', async () => {
    const unknown = await call('explain', { id: 'IOMMU_NOTHING' });
    assert.isTrue(unknown.isError);
    assert.match(unknown.text, /nothing is called IOMMU_NOTHING/);
    assert.match(unknown.text, /^exit code 64/m);
    const hyphen = await call('explain', { id: '--write=/tmp/x' });
    assert.isTrue(hyphen.isError);
    assert.match(hyphen.text, /cannot begin with a hyphen/);
    for (const wrong of [{ id: 5 }, { other: 'x' }]) {
      const { isError } = await call('explain', wrong).catch(() => ({ isError: true }));
      assert.isTrue(isError, JSON.stringify(wrong));
    }
  });

  it('tells how far it is', async () => {
    const told: (number | undefined)[] = [];
    await client.callTool(
      { name: 'run', arguments: { query: ['ioas/map'], variants: false } },
      { onprogress: ({ total }) => told.push(total) },
    );
    assert.isNotEmpty(told);
    assert.isTrue(told.every((total) => total === told[0]));
  });

  it('ends a campaign that nobody waits for any more', async () => {
    const stop = new AbortController();
    const out = join(directory, 'campaign');
    const running = client
      .callTool({ name: 'fuzz', arguments: { time: '1h', out } }, { signal: stop.signal })
      .then(
        () => 'answered',
        () => 'cancelled',
      );
    const files = (): Promise<string[]> => readdir(out).catch(() => []);
    while (!(await files()).includes('journal.jsonl')) await sleep(50);
    assert.include(await files(), 'running');
    stop.abort();
    assert.equal(await running, 'cancelled');
    while ((await files()).includes('running')) await sleep(50);
  });
});
