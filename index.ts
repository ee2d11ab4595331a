/**
 * iommufd-cts as a library: the reference model of iommufd, programs for it, and the scenarios. What is exported here is stable
 * within a major version; everything else is internal. docs/api.md has examples.
 */

export { Behaviour } from './models/behaviour.js';
export { CALLS, callByName } from './models/ioctls/index.js';
export type { CallDescription, Rule } from './models/ioctls/description.js';
export { INVARIANTS } from './models/invariants/index.js';
export type { Invariant } from './models/invariants/invariant.js';
export type { Outcome, ProgramOutcome, Returned } from './models/outcome.js';
export type { Reading } from './models/prediction.js';
export { type AssembledProgram, assemble } from './models/program/assemble.js';
export { describeStep } from './models/program/describe.js';
export { type Program, type Step, ProgramError } from './models/program/program.js';
export { type Problem, type ProgramVerdict, judgeByModel } from './models/program_verdict.js';
export { PROFILES, type Profile, profileById, profileOfRelease } from './models/profiles/index.js';
export { SCENARIOS, SUITES } from './suites/index.js';
export type { Scenario, Suite } from './suites/harness/scenario.js';
export { SimTarget } from './targets/sim.js';
export { type Session, type Target, type TargetInfo, TestBedError } from './targets/target.js';
export { readProgramFile, writeProgramFile } from './fuzz/corpus/program_file.js';
export { samplePrograms } from './fuzz/generate/program.js';
