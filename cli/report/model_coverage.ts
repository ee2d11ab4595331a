import { rulesOf } from '../../models/designs/framework/call.js';
import type { Design } from '../../models/designs/framework/design.js';
import { INVARIANTS } from '../../models/invariants/index.js';
import { REFUSING_SOURCES, type RuleSource } from '../../models/rule_sources.js';
import type { CallRow, DesignBranches, InvariantFacts, RuleRow } from '../../reports/html/data.js';
import { NEVER_SUCCEED } from '../../suites/harness/never_succeed.js';
import type { PlayReport } from '../../suites/designs/judge.js';
import { coveringOf } from '../manual.js';

/** Effects and rules of all calls, with what has shown them. */
export function callRows(inCampaigns: ReadonlySet<string>): CallRow[] {
  return REFUSING_SOURCES.map((source) => {
    const { name, rules } = source;
    const refusals = rules.map(({ id, says }) => ({ id, errno: id.split('.')[0] ?? '', says }));
    const effect = hasEffect(source) ? [{ id: SUCCESS, errno: SUCCESS, says: 'it succeeds' }] : [];
    return {
      name,
      flags: flagsOf(source),
      rules: [...effect, ...refusals].map((rule): RuleRow => {
        const known = `${name}/${rule.id}`;
        return { ...rule, scenarios: coveringOf(known), isInCampaigns: inCampaigns.has(known) };
      }),
    };
  });
}

function flagsOf({ call }: RuleSource): string[] {
  return (call?.layout.members ?? []).flatMap(({ field: { role } }) =>
    role.is === 'flags' ? Object.keys(role.bits) : [],
  );
}

const SUCCESS = 'OK';

/** Operations on files may have none: those do that a scenario has seen succeed. */
function hasEffect({ name, call }: RuleSource): boolean {
  return call === undefined ? coveringOf(`${name}/${SUCCESS}`).length > 0 : !NEVER_SUCCEED.has(name);
}

export function invariantFacts(): InvariantFacts[] {
  return INVARIANTS.map(({ id, statement, notCovered }) => ({ id, statement, notCovered }));
}

/** Which effects and rules of designs the rows of the patch discussions come to. */
export function branchesOf(designs: readonly Design[], reports: readonly PlayReport[]): DesignBranches[] {
  return designs.map((design) => {
    const shown = new Set(reports.filter((report) => report.design === design).flatMap(shownBy));
    const all = design.calls.flatMap((call) =>
      [SUCCESS, ...rulesOf(call).map(({ id }) => id)].map((id) => `${call.name}/${id}`),
    );
    return { design: design.name, all: all.length, missed: all.filter((branch) => !shown.has(branch)) };
  });
}

function shownBy({ program, result }: PlayReport): string[] {
  return program.steps.flatMap(({ call }, at) =>
    (result.outcomes[at] ?? []).flatMap((outcome) => {
      if (outcome.is === 'undefined') return [];
      return [`${call}/${outcome.is === 'errno' ? outcome.rule : SUCCESS}`];
    }),
  );
}
