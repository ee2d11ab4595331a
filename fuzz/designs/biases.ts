/** What random programs of designs do more or less often, and why. Lists are drawn from anew for each program (swarm). */
export const BIASES = {
  stepsMin: { value: 4, why: 'shorter programs are parts of longer ones; reduction finds them' },
  weights: {
    value: [0, 0, 1, 1, 2, 2, 4],
    why: 'swarm: each program has its own subset of calls, some of them often',
  },
  failuresOneIn: {
    value: [1, 2, 6, 1000],
    why: 'swarm: steps that fail show what failing leaves behind, but keep a program from getting anywhere',
  },
  endsOneIn: {
    value: [1, 4, 16],
    why: 'swarm: undefined behaviour ends a program; without it, other defects come to light behind it',
  },
  oddOneIn: {
    value: [1, 2, 3, 8],
    why: 'swarm: unusual arguments show missing checks; usual ones lead deeper',
  },
  newOneIn: {
    value: [1, 2, 8],
    why: 'swarm: calls about the same address, device or page; without it, each is about another',
  },
  repeatedOneIn: {
    value: 8,
    why: 'a step as it was before: what was undone is done again, what was done once is done twice',
  },
  unusualOfOddOneIn: { value: 3, why: 'several arguments at a time, for what only a combination shows' },
  unusualOneIn: { value: 10, why: 'one argument now and then, in a step that is usual otherwise' },
  otherChoiceOneIn: { value: 3, why: 'choices are few: another device, another place in memory' },
  foreignOneIn: { value: 8, why: 'numbers that no call has made' },
  newestOneIn: { value: 2, why: 'the newest handle continues what the step before it began' },
  unreadyOneIn: { value: 8, why: 'calls for which there is no handle can fail only' },
} as const;
