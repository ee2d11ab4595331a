import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Piscina } from 'piscina';
import type { Campaign } from '../../fuzz/campaign/campaign.js';
import { UsageError } from '../errors.js';
import { figuresOf } from './figures.js';
import type { ReportTask } from './report_thread.js';

/** Nobody else's machine, if the user does not say otherwise. */
const HOST_DEFAULT = '127.0.0.1';

const PORT_MAX = 65_535;

/** Where a campaign can be watched. */
export interface HttpAddress {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
}

/**
 * `PORT`, `HOST:PORT` or `[HOST]:PORT`.
 * @throws UsageError
 */
export function parseHttpAddress(text: string): HttpAddress {
  const [, bracketed, plain, digits] = /^(?:(?:\[(.+)\]|([^:]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > PORT_MAX)
    throw new UsageError(`--metrics ${text} makes no sense; write PORT or HOST:PORT, for example 9090`);
  return { host: bracketed ?? plain ?? HOST_DEFAULT, port };
}

/** What can be asked of a campaign. */
const PATHS = { report: '/', figures: '/metrics' } as const;

/** What a server shows. */
interface Shown {
  readonly campaign: Campaign;
  readonly tool: string;
  readonly figures: ReturnType<typeof figuresOf>;
}

/** Serves the figures of a campaign to Prometheus and to whoever else reads its format, and its report to people. */
export class HttpServer {
  #shown: Shown | undefined;
  #pool: Piscina<ReportTask, string> | undefined;
  /** The report that is being drawn, for all who ask meanwhile. */
  #drawn: Promise<string> | undefined;
  readonly #server = createServer((request, response) => {
    // Whoever asks is no reason for a campaign to end.
    this.#answer(request.url, response).catch(() => response.writeHead(500).end());
  });

  /**
   * Has nothing to show yet.
   * @throws UsageError when nothing can listen there
   */
  static async listen({ host, port }: HttpAddress): Promise<HttpServer> {
    const server = new HttpServer();
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', ({ message }) => {
        reject(new UsageError(`--metrics: ${message}`));
      });
      server.#server.listen(port, host, resolve);
    });
    return server;
  }

  /** @param tool name and version of this program */
  show(campaign: Campaign, tool: string): void {
    this.#shown = { campaign, tool, figures: figuresOf(campaign) };
  }

  url(what: keyof typeof PATHS): string {
    // A server that listens on a port has an address of this kind.
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${String(port)}${PATHS[what]}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#pool?.destroy();
  }

  async #answer(path: string | undefined, response: ServerResponse): Promise<void> {
    if (this.#shown === undefined) {
      response.writeHead(503).end('the campaign has not begun yet\n');
      return;
    }
    const { figures } = this.#shown;
    if (path === PATHS.figures) {
      response.setHeader('Content-Type', figures.contentType).end(await figures.metrics());
    } else if (path === PATHS.report) {
      const html = await this.#draw(this.#shown);
      response.setHeader('Content-Type', 'text/html; charset=utf-8').end(html);
    } else response.writeHead(404).end(`there are ${Object.values(PATHS).join(' and ')}\n`);
  }

  #draw(shown: Shown): Promise<string> {
    this.#drawn ??= this.#drawAnew(shown).finally(() => {
      this.#drawn = undefined;
    });
    return this.#drawn;
  }

  async #drawAnew({ campaign: { directory }, tool }: Shown): Promise<string> {
    if (this.#pool === undefined) {
      const { Piscina: Pool } = await import('piscina');
      const filename = new URL('./report_thread.js', import.meta.url).href;
      this.#pool = new Pool<ReportTask, string>({ filename, minThreads: 0, maxThreads: 1 });
    }
    return this.#pool.run({ directory, tool });
  }
}
