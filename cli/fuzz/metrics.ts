import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Campaign } from '../../fuzz/campaign/campaign.js';
import type { WorkerStats } from '../../fuzz/campaign/events.js';
import { UsageError } from '../errors.js';

/** Nobody else's machine, if the user does not say otherwise. */
const HOST_DEFAULT = '127.0.0.1';

const PORT_MAX = 65_535;

const PATH = '/metrics';

/** Where figures are to be had. */
export interface MetricsAddress {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
}

/**
 * `PORT`, `HOST:PORT` or `[HOST]:PORT`.
 * @throws UsageError
 */
export function parseMetricsAddress(text: string): MetricsAddress {
  const [, bracketed, plain, digits] = /^(?:(?:\[(.+)\]|([^:]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > PORT_MAX)
    throw new UsageError(`--metrics ${text} makes no sense; write PORT or HOST:PORT, for example 9090`);
  return { host: bracketed ?? plain ?? HOST_DEFAULT, port };
}

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
function metricsOf(campaign: Campaign): Registry {
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

/** Serves the figures of a campaign to Prometheus, and to whoever else reads its format. */
export class MetricsServer {
  #registry = new Registry();
  readonly #server = createServer((request, response) => {
    if (request.url !== PATH) {
      response.writeHead(404).end(`there is ${PATH}\n`);
      return;
    }
    response.setHeader('Content-Type', this.#registry.contentType);
    // Whoever asks is no reason for a campaign to end.
    this.#registry.metrics().then(
      (text) => response.end(text),
      () => response.writeHead(500).end(),
    );
  });

  /**
   * Has no figures yet.
   * @throws UsageError when nothing can listen there
   */
  static async listen({ host, port }: MetricsAddress): Promise<MetricsServer> {
    const metrics = new MetricsServer();
    await new Promise<void>((resolve, reject) => {
      metrics.#server.once('error', ({ message }) => {
        reject(new UsageError(`--metrics: ${message}`));
      });
      metrics.#server.listen(port, host, resolve);
    });
    return metrics;
  }

  show(campaign: Campaign): void {
    this.#registry = metricsOf(campaign);
  }

  get url(): string {
    // A server that listens on a port has an address of this kind.
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${String(port)}${PATH}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
