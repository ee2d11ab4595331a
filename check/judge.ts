import { AssertionFailure, present } from '../models/base/assert.js';
import { ERRNO } from '../models/base/errno.js';
import type { Behaviour } from '../models/behaviour.js';
import { type Mismatch, compare } from '../models/compare.js';
import type { CallDescription } from '../models/ioctls/description.js';
import type { Returned } from '../models/outcome.js';
import { enforceSuccess } from '../models/predict.js';
import type { Prediction } from '../models/prediction.js';
import { predictStep } from '../models/predict_step.js';
import type { RawStep } from '../models/program/raw.js';
import type { World } from '../models/state/world.js';
import type { AllowedAnswer, CallVerdict } from './verdict.js';

/** A call to be held against the model. */
export interface Question {
  /** With the number of the process that makes it. */
  readonly step: RawStep;
  readonly call?: CallDescription | undefined;
  readonly seen: Returned;
  /** Told when memory was pinned of which the model did not know whether it can be. */
  readonly seePinned?: () => void;
}

/** What came of judging a call. */
export interface Judgement {
  readonly verdict: CallVerdict;
  /** Whether the model still knows the state of the file. */
  readonly isFollowed: boolean;
  /** Takes over an answer that is not allowed; without it, there is nothing left to do. */
  readonly adopt?: () => Judgement;
}

/** Why answers are legal that are not exact. */
const UNSEEN_MEMORY = 'the trace does not tell whether the memory can be pinned';
const OTHER_RULE = 'several reasons to fail apply, and this kernel looks at another first';

/** How an answer that is not allowed is taken over. */
const ONWARD = {
  enacted: 'the state is that of the allowed answer, with what the kernel chose where it may choose',
  failed: "the kernel's answer is taken over: the call has changed nothing",
  enforced: "the kernel's answer is taken over: the call has had its effect",
  lost: 'what the call has changed is not known: later calls on the file are unspecified',
} as const;

/** Holds one call against the model and takes the answer over into the state. */
export class Judge {
  constructor(
    private readonly world: World,
    readonly behaviour: Behaviour,
  ) {}

  judge(question: Question): Judgement {
    try {
      return this.#judge(question);
    } catch (error) {
      if (!(error instanceof AssertionFailure)) throw error;
      return lost(`the model has no answer: ${error.message}`, question.seen);
    }
  }

  #judge(question: Question): Judgement {
    const { step, seen } = question;
    const exact = predictStep(this.world, this.behaviour, step, 'exact');
    if (exact.kind === 'unspecified') return this.#judgeUnknown(exact, question);
    const isExact = present(exact.branches[0], 'an answer').errno === seen.errno;
    if (isExact && seen.errno !== 0) return this.#judgeBy(exact, question, true);
    const contract = predictStep(this.world, this.behaviour, step, 'contract');
    if (contract.kind === 'allowed' || isExact) return this.#judgeBy(contract, question, isExact);
    return lost(contract.why, seen);
  }

  /** Memory that may or may not be possible to pin: both answers are legal, and the answer tells. */
  #judgeUnknown(
    { because, why }: Extract<Prediction, { kind: 'unspecified' }>,
    question: Question,
  ): Judgement {
    const { seen, seePinned } = question;
    const isMemory = because.endsWith('/unspecified.user_memory');
    if (isMemory && seen.errno === ERRNO.EFAULT)
      return { verdict: { kind: 'legal', because, why: UNSEEN_MEMORY }, isFollowed: true };
    if (!isMemory || seen.errno !== 0 || seePinned === undefined) return lost(why, seen);
    seePinned();
    const { step, call } = question;
    const judgement = this.#judge({ step, call, seen });
    const { verdict } = judgement;
    if (verdict.kind !== 'exact') return judgement;
    return { ...judgement, verdict: { ...verdict, kind: 'legal', why: UNSEEN_MEMORY } };
  }

  #judgeBy(prediction: Prediction, question: Question, isExact: boolean): Judgement {
    const { step, call, seen } = question;
    const comparison = compare(prediction, step, call, seen);
    switch (comparison.kind) {
      case 'unspecified':
        return lost(comparison.why, seen);
      case 'mismatch':
        return this.#mismatch(comparison.mismatch, question);
      case 'fits': {
        const { adopted = [] } = comparison.enacted;
        const { because } = comparison.branch;
        if (isExact && adopted.length === 0) return { verdict: { kind: 'exact', because }, isFollowed: true };
        const why = adopted.length > 0 ? `${adopted.join(', ')} as the kernel has it` : OTHER_RULE;
        return { verdict: { kind: 'legal', because, why }, isFollowed: true };
      }
    }
  }

  #mismatch(mismatch: Mismatch, { step, seen }: Question): Judgement {
    if (mismatch.differences.length > 0) return mismatched(mismatch, 'enacted');
    if (seen.errno !== 0)
      return { ...mismatched(mismatch, 'failed'), adopt: () => mismatched(mismatch, 'failed') };
    const adopt = () => {
      const isEnforced = step.do === 'ioctl' && enforceSuccess(this.world, this.behaviour, step, seen);
      return mismatched(mismatch, isEnforced ? 'enforced' : 'lost');
    };
    return { ...mismatched(mismatch, 'lost'), adopt };
  }
}

/** A call whose effect the model does not know; one that failed is taken to have changed nothing. */
function lost(why: string, seen: Returned): Judgement {
  return { verdict: { kind: 'unspecified', why }, isFollowed: seen.errno !== 0 };
}

function mismatched({ allowed, seen, differences }: Mismatch, onward: keyof typeof ONWARD): Judgement {
  return {
    verdict: {
      kind: 'mismatch',
      allowed: allowed.map(answerOf),
      seen,
      places: differences.map(
        ({ where, expected, seen: got }) => `${where}: allowed ${expected}, seen ${got}`,
      ),
      onward: ONWARD[onward],
    },
    isFollowed: onward !== 'lost',
  };
}

/** Takes "EINVAL (call/rule)" apart. */
function answerOf(text: string): AllowedAnswer {
  const [, answer = text, because = ''] = /^(\S+(?: \d+)?) \((.*)\)$/.exec(text) ?? [];
  return { answer, because };
}
