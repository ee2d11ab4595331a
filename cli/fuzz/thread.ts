import type { MessagePort } from 'node:worker_threads';
import type { CampaignEvent } from '../../fuzz/campaign/events.js';
import { type Orders, carryOut } from './orders.js';

/** What a thread says, and hears when that is on the disk. */
export interface ThreadReport {
  readonly number: number;
  readonly event: CampaignEvent;
}

/** What a thread hears: a report is taken, or it is to stop. */
export type ThreadMessage = { readonly taken: number } | { readonly stop: true };

export interface ThreadTask {
  readonly orders: Orders;
  readonly port: MessagePort;
}

/** A worker in a thread of its own. */
export default async function runThread({ orders, port }: ThreadTask): Promise<void> {
  const stopping = new AbortController();
  const waiting = new Map<number, () => void>();
  port.on('message', (message: ThreadMessage) => {
    if ('stop' in message) stopping.abort();
    else {
      waiting.get(message.taken)?.();
      waiting.delete(message.taken);
    }
  });
  let number = 0;
  const report = (event: CampaignEvent): Promise<void> =>
    new Promise((resolve) => {
      number += 1;
      waiting.set(number, resolve);
      port.postMessage({ number, event } satisfies ThreadReport);
    });
  try {
    await carryOut(orders, report, stopping.signal);
  } finally {
    port.close();
  }
}
