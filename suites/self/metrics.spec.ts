import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { assert } from 'chai';
import { parseHttpAddress } from '../../cli/fuzz/http_server.js';
import { UsageError } from '../../cli/errors.js';
import { exists } from '../../targets/files.js';
import { type RunningCli, assertRefused, runCli, startCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

/** Longer than any test takes; it is interrupted. */
const ENDLESS = ['fuzz', '--time', '1h'];

/** Where a campaign says that its figures are. */
function urlSaid({ process }: RunningCli): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    process.stderr?.on('data', (text: string) => {
      said += text;
      const url = /^fuzz: figures at (http:\S+)$/m.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
    process.once('close', () => {
      reject(new Error(said));
    });
  });
}

/** The samples in a text of Prometheus: their values by their names. */
function samplesIn(text: string): Map<string, number> {
  const samples = text.matchAll(/^(\w+)\{[^}]*\} (\S+)$/gm);
  return new Map([...samples].map(([, name = '', value]) => [name, Number(value)]));
}

describe('fuzz --metrics', () => {
  let directory: string;

  before(async () => {
    directory = await makeDirectory();
  });

  after(() => removeDirectory(directory));

  it('serves what the campaign comes to, while it runs', async () => {
    const out = join(directory, 'campaign');
    const running = startCli([...ENDLESS, '--metrics', '0', '--seed', '7', '--out', out]);
    try {
      const url = await urlSaid(running);
      assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*\/metrics$/);
      let samples = new Map<string, number>();
      let text = '';
      while ((samples.get('iommufd_cts_programs_total') ?? 0) === 0) {
        text = await (await fetch(url)).text();
        samples = samplesIn(text);
      }
      assert.match(text, /^# TYPE iommufd_cts_programs_total counter$/m);
      assert.match(text, /^# TYPE iommufd_cts_corpus_programs gauge$/m);
      assert.match(text, /^iommufd_cts_programs_total\{directory="[^"]*",seed="7",target="sim"\} \d+$/m);
      assert.isAtLeast(samples.get('iommufd_cts_calls_total') ?? 0, 1);
      assert.isAtLeast(samples.get('iommufd_cts_coverage_features') ?? 0, 1);
      assert.equal(samples.get('iommufd_cts_findings'), 0);
      assert.equal((await fetch(new URL('/else', url))).status, 404);
      const pages = await Promise.all([fetch(new URL('/', url)), fetch(new URL('/', url))]);
      for (const page of pages) {
        assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
        assert.match(
          await page.text(),
          /^<!DOCTYPE html>.*>campaign<\/a><\/th><td>sim<\/td><td class="number">7</s,
        );
      }
      // It has gone on meanwhile.
      const later = samplesIn(await (await fetch(url)).text());
      assert.isAbove(
        later.get('iommufd_cts_programs_total') ?? 0,
        samples.get('iommufd_cts_programs_total') ?? 0,
      );
    } finally {
      running.process.kill('SIGINT');
      await running.ended;
    }
  });

  it('is refused where something else listens', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const out = join(directory, 'other');
      const ended = await runCli([...ENDLESS, '--metrics', String(port), '--out', out]);
      assertRefused(ended, 64, /--metrics: .*EADDRINUSE/);
      assert.isFalse(await exists(out), 'a campaign has begun');
    } finally {
      other.close();
    }
  });

  it('is refused for what is no address', async () => {
    assertRefused(await runCli([...ENDLESS, '--metrics', 'here']), 64, /write PORT or HOST:PORT/);
    assertRefused(
      await runCli(['fuzz', '--target', 'design:ioasid-rfc', '--metrics', '1']),
      64,
      /--metrics is not for/,
    );
    assert.throws(() => parseHttpAddress('65536'), UsageError);
    assert.throws(() => parseHttpAddress('::1'), UsageError);
  });

  it('takes a port, and a host before it', () => {
    assert.deepEqual(parseHttpAddress('9090'), { host: '127.0.0.1', port: 9090 });
    assert.deepEqual(parseHttpAddress('0.0.0.0:80'), { host: '0.0.0.0', port: 80 });
    assert.deepEqual(parseHttpAddress('[::1]:0'), { host: '::1', port: 0 });
  });
});
