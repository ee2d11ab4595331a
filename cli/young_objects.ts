import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 make every object where the garbage is looked for first. Of what it has seen at the start, it decides otherwise for places
 * in the code whose objects live long, and in about one process of four it decides so for the state of the model: then each state,
 * however short its life, keeps alive what it leads to until the whole heap is collected, and the model is three times as slow for as
 * long as the process runs (docs/performance.md).
 */
export function makeObjectsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
