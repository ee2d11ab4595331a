import { assert } from '../base/assert.js';

/** What a vEVENTQ hands out: an event, or without a payload the mark that events were lost. */
export interface VeventRecord {
  readonly sequence: number;
  readonly payload: Uint8Array | undefined;
}

/** Sequence numbers stay below. Source: iommufd_private.h:iommufd_vevent_handler, INT_MAX. */
const SEQUENCE_MASK = 0x7fff_ffff;

/** Events of the hardware behind a vIOMMU that wait to be read. Source: struct iommufd_veventq. */
export class VeventQueue {
  readonly #records: VeventRecord[] = [];
  #sequence = 0;

  /** @param depth how many events it keeps */
  constructor(readonly depth: number) {}

  /** In the order of reading. */
  get records(): readonly VeventRecord[] {
    return this.#records;
  }

  /** Events that wait; the mark of lost ones does not count. Source: num_events. */
  get eventCount(): number {
    return this.#records.length - (this.#isMarked ? 1 : 0);
  }

  /** The number of the next event. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /** An event comes; beyond the depth it is lost, and the mark says so with the number of the last one that was. */
  report(payload: Uint8Array): void {
    this.#add(this.eventCount === this.depth ? undefined : payload);
  }

  /** There is no memory for an event: it is lost like those beyond the depth. */
  lose(): void {
    this.#add(undefined);
  }

  #add(payload: Uint8Array | undefined): void {
    if (this.#isMarked) this.#records.pop();
    this.#records.push({ sequence: this.#sequence, payload });
    this.#sequence = (this.#sequence + 1) & SEQUENCE_MASK;
  }

  /** The first record has been read. */
  take(): void {
    assert(this.#records.shift() !== undefined, 'a record waits to be read');
  }

  /** The mark is always the last record. */
  get #isMarked(): boolean {
    const last = this.#records.at(-1);
    return last !== undefined && last.payload === undefined;
  }
}
