import { Counter, Gauge, Registry } from 'prom-client';
import type { Campaign } from '../../fuzz/campaign/campaign.js';
import type { WorkerStats } from '../../fuzz/campaign/events.js';

type Count = Exclude<keyof WorkerStats, 'known'>;

/** What only grows, resumed campaigns included. */
const COUNTERS: readonly (readonly [name: string, help: string, count: Count])[] = [
  ['programs', 'Programs that were judged, or lost', 'next'],
  ['calls', 'Steps whose answers the model had foreseen', 'calls'],
  ['unspecified_calls', 'Steps of which the model cannot tell', 'unspecified'],
  ['problem_programs', 'Programs that the target did not do as the model says', 'problems'],
  ['lost_programs', 'Programs that the test bed lost', 'lost'],
  ['out_of_memory_programs', 'Programs that ended because the guest had no memory left', 'outOfMemory'],
  ['machine_restarts', 'Virtual machines that were replaced', 'restarts'],
];

const GAUGES: readonly (readonly [name: string, help: string, value: (campaign: Campaign) => number])[] = [
  ['corpus_programs', 'Programs in the corpus', ({ corpus }) => corpus.size],
  ['coverage_features', 'Features that programs have shown', ({ coverage }) => coverage],
  ['findings', 'Findings, each counted once', ({ findings }) => findings.length],
  ['unwritten_files', 'What waits for room on the disk', ({ unwritten }) => unwritten.writes],
];

/** The figures of a campaign, read when they are asked for. */
export function figuresOf(campaign: Campaign): Registry {
  const registry = new Registry();
  const { seed, target, kernel } = campaign.config;
  registry.setDefaultLabels({ directory: campaign.directory, seed: String(seed), target: kernel ?? target });
  const registers = [registry];
  for (const [name, help, count] of COUNTERS) {
    new Counter({
      ...{ name: `iommufd_cts_${name}_total`, help, registers },
      collect() {
        this.reset();
        this.inc(campaign.totals[count]);
      },
    });
  }
  for (const [name, help, value] of GAUGES) {
    new Gauge({
      ...{ name: `iommufd_cts_${name}`, help, registers },
      collect() {
        this.set(value(campaign));
      },
    });
  }
  return registry;
}
