import { resolve } from 'node:path';
import { assert } from 'chai';
import { type Held, compareTurns, renderHeld } from '../../cli/bench/against.js';
import { runCli } from './cli.js';

const ROOT = resolve(import.meta.dirname, '../../..');

/** As short as a turn can be. */
const SHORT = ['--rounds', '1', '--seconds', '0.05'];

describe('bench --against', () => {
  it('takes ratios turn by turn, of rates that both builds have', () => {
    const turns = [
      { own: { 'model.calls_per_s': 50, 'new.calls_per_s': 1 }, other: { 'model.calls_per_s': 100 } },
      { own: { 'model.calls_per_s': 300, 'new.calls_per_s': 1 }, other: { 'model.calls_per_s': 200 } },
      { own: { 'model.calls_per_s': 90, 'new.calls_per_s': 1 }, other: { 'model.calls_per_s': 100 } },
    ];
    assert.deepEqual(compareTurns(turns), [
      { name: 'model.calls_per_s', own: 90, other: 100, ratio: 0.9, least: 0.5, most: 1.5 },
    ]);
  });

  it('leaves out what is no rate', () => {
    const figures = { 'campaign.share.generation': 0.5, 'campaign.cost_of_corpus': 1 };
    assert.deepEqual(compareTurns([{ own: figures, other: figures }]), []);
  });

  it('says which rate falls short', () => {
    const held: Held[] = [
      { name: 'model.calls_per_s', own: 80_000, other: 100_000, ratio: 0.8, least: 0.75, most: 0.85 },
      { name: 'campaign.calls_per_s', own: 9500, other: 10_000, ratio: 0.95, least: 0.9, most: 1 },
    ];
    const [, , head, model, campaign] = renderHeld(held, '../base', 0.9).split('\n');
    assert.match(head ?? '', /there +here/);
    assert.match(model ?? '', /100,000 +80,000 +0\.80 \(0\.75 to 0\.85\) +BELOW: at least 0\.9$/);
    assert.match(campaign ?? '', /10,000 +9,500 +0\.95 \(0\.90 to 1\.00\) +good$/);
  });

  it('holds this build against itself', async () => {
    const { code, stdout } = await runCli(['bench', '--against', ROOT, '--json', ...SHORT]);
    const { held } = JSON.parse(stdout) as { readonly held: readonly Held[] };
    assert.deepEqual(
      held.map(({ name }) => name),
      ['model.calls_per_s', 'campaign.calls_per_s', 'campaign.programs_per_s'],
    );
    for (const { ratio, own, other } of held) assert.closeTo(ratio, own / other, 1e-9);
    assert.equal(code, 0);
  });

  it('ends with 1 where a rate falls short', async () => {
    const { code } = await runCli(['bench', '--against', ROOT, '--least', '1000', ...SHORT]);
    assert.equal(code, 1);
  });

  for (const [args, sentence] of [
    [['--against', '/proc'], /\/proc is no checkout of iommufd-cts that has been built: .+ is missing/],
    [['--least', '0.9'], /--least .+ --against names it/],
    [['--rounds', '0'], /--rounds takes a whole number from 1 on/],
    [['--seconds', '0'], /--seconds takes a number above 0/],
  ] as const) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, stderr } = await runCli(['bench', ...args]);
      assert.match(stderr, sentence);
      assert.equal(code, 64);
    });
  }
});
