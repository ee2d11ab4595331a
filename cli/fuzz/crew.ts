import { setFlagsFromString } from 'node:v8';
import { MessageChannel } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import type { CampaignEvent } from '../../fuzz/campaign/events.js';
import { type Orders, carryOut } from './orders.js';
import type { ThreadMessage, ThreadReport, ThreadTask } from './thread.js';

/** Takes what a worker reports. */
export type Take = (worker: number, event: CampaignEvent) => Promise<void>;

/** The heap that one worker may need. */
const WORKER_HEAP_MIB = 1024;

/**
 * How much heaps grow before they are collected, in percent of what is alive: by itself V8 lets that of a campaign become four times as
 * large as it has to be, and campaigns run for days beside virtual machines.
 */
const HEAP_GROWS_PERCENT = 100;

/** Times that a worker is started again whose thread has ended. */
const STARTS_MAX = 3;

/**
 * Runs workers side by side, each in a thread of its own; a single one in this thread.
 * @param ordersOf what a worker is to do from where it is now
 */
export async function runCrew(
  workers: number,
  ordersOf: (worker: number) => Orders,
  take: Take,
  stopped: AbortSignal,
): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${String(HEAP_GROWS_PERCENT)}`);
  if (workers === 1) {
    await carryOut(ordersOf(0), (event) => take(0, event), stopped);
    return;
  }
  // Most commands and campaigns have no use for it.
  const { Piscina: Pool } = await import('piscina');
  const pool = new Pool<ThreadTask>({
    filename: new URL('./thread.js', import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MIB },
  });
  try {
    const running = Array.from({ length: workers }, (_, worker) =>
      runWorker(pool, worker, ordersOf, take, stopped),
    );
    const ends = await Promise.allSettled(running);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  } finally {
    await pool.destroy();
  }
}

/** A thread that ends before its time, for lack of memory for instance, is followed by another. */
async function runWorker(
  pool: Piscina<ThreadTask>,
  worker: number,
  ordersOf: (worker: number) => Orders,
  take: Take,
  stopped: AbortSignal,
): Promise<void> {
  for (let starts = 1; ; starts++) {
    try {
      await runInThread(pool, ordersOf(worker), (event) => take(worker, event), stopped);
      return;
    } catch (error) {
      if (starts === STARTS_MAX || !isEndOfThread(error)) throw error;
      await take(worker, { kind: 'trouble', what: `worker ${String(worker)} ended: ${String(error)}` });
    }
  }
}

async function runInThread(
  pool: Piscina<ThreadTask>,
  orders: Orders,
  take: (event: CampaignEvent) => Promise<void>,
  stopped: AbortSignal,
): Promise<void> {
  const { port1: ours, port2: theirs } = new MessageChannel();
  const send = (message: ThreadMessage): void => {
    ours.postMessage(message);
  };
  const stop = (): void => {
    send({ stop: true });
  };
  ours.on('message', ({ number, event }: ThreadReport) => {
    void take(event).then(() => {
      send({ taken: number });
    });
  });
  stopped.addEventListener('abort', stop);
  if (stopped.aborted) stop();
  try {
    await pool.run({ orders, port: theirs }, { transferList: [theirs] });
  } finally {
    stopped.removeEventListener('abort', stop);
    ours.close();
  }
}

function isEndOfThread(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
}
