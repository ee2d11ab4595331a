import type { Behaviour } from '../../models/behaviour.js';
import { assemble } from '../../models/program/assemble.js';
import type { Program } from '../../models/program/program.js';
import { type Feature, judgeOnModel } from '../feedback/features.js';
import { Novelty } from '../feedback/novelty.js';
import type { CorpusStore } from './store.js';

/** What a program shows on the model. */
export function featuresOnModel(program: Program, behaviour: Behaviour): ReadonlySet<Feature> {
  return judgeOnModel(assemble(program), behaviour).features;
}

/** What became of a corpus. */
export interface Minimized {
  readonly before: number;
  readonly after: number;
  /** Features that its programs show, before and after. */
  readonly coverage: number;
}

/** A program with what it shows; the program itself stays on the disk. */
interface Candidate {
  readonly hash: string;
  readonly steps: number;
  readonly features: ReadonlySet<Feature>;
}

/**
 * Removes programs of a corpus that show nothing which others do not show. Short ones stay, as far as they can: those that show
 * something alone first, then the others by their length, and of all those the longest are tried once more.
 */
export async function minimizeCorpus(store: CorpusStore, behaviour: Behaviour): Promise<Minimized> {
  const candidates: Candidate[] = [];
  for await (const { hash, program } of store.programs()) {
    candidates.push({ hash, steps: program.steps.length, features: featuresOnModel(program, behaviour) });
  }
  const kept = withoutSpare(neededOf(candidates));
  const hashes = new Set(kept.map(({ hash }) => hash));
  for (const { hash } of candidates) if (!hashes.has(hash)) await store.remove(hash);
  return { before: candidates.length, after: kept.length, coverage: countShowing(kept).size };
}

function neededOf(candidates: readonly Candidate[]): Candidate[] {
  const showing = countShowing(candidates);
  const isAlone = ({ features }: Candidate): boolean =>
    [...features].some((feature) => showing.get(feature) === 1);
  const byLength = [...candidates].sort(
    (one, two) => one.steps - two.steps || (one.hash < two.hash ? -1 : 1),
  );
  const novelty = new Novelty();
  const alone = byLength.filter(isAlone);
  for (const { features } of alone) novelty.add(features);
  const others = byLength.filter((candidate) => {
    if (isAlone(candidate) || novelty.newsIn(candidate.features).length === 0) return false;
    novelty.add(candidate.features);
    return true;
  });
  return [...alone, ...others];
}

/** The longest that the rest makes superfluous go. */
function withoutSpare(candidates: readonly Candidate[]): Candidate[] {
  const showing = countShowing(candidates);
  const byLength = [...candidates].sort(
    (one, two) => two.steps - one.steps || (one.hash < two.hash ? -1 : 1),
  );
  return byLength.filter(({ features }) => {
    if ([...features].some((feature) => showing.get(feature) === 1)) return true;
    for (const feature of features) showing.set(feature, (showing.get(feature) ?? 0) - 1);
    return false;
  });
}

/** How many programs show each feature. */
function countShowing(candidates: readonly Candidate[]): Map<Feature, number> {
  const showing = new Map<Feature, number>();
  for (const { features } of candidates) {
    for (const feature of features) showing.set(feature, (showing.get(feature) ?? 0) + 1);
  }
  return showing;
}

/** What became of a corpus that others were added to. */
export interface Merged {
  readonly added: number;
  readonly known: number;
}

/** Adds programs that show something new to a corpus. */
export async function mergePrograms(
  into: CorpusStore,
  programs: AsyncIterable<Program>,
  behaviour: Behaviour,
): Promise<Merged> {
  const novelty = new Novelty();
  for await (const { program } of into.programs()) novelty.add(featuresOnModel(program, behaviour));
  let [added, known] = [0, 0];
  for await (const program of programs) {
    const features = featuresOnModel(program, behaviour);
    if (novelty.newsIn(features).length === 0) known += 1;
    else {
      novelty.add(features);
      await into.add(program);
      added += 1;
    }
  }
  return { added, known };
}
