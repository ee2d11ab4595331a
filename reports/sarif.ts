import { SarifBuilder, SarifResultBuilder, SarifRuleBuilder, SarifRunBuilder } from 'node-sarif-builder';
import {
  type BrokenRule,
  type ResultLine,
  type RunReport,
  isUnexpected,
  unexpectedPass,
} from './run_report.js';

/** Changes when the same problem would get another fingerprint. */
const FINGERPRINT = 'scenarioAndRule/v1';

/**
 * SARIF 2.1.0: a result for each rule that a scenario has found broken, or for the scenario where no rule is to blame. What was
 * foreseen is suppressed, what the model cannot tell is open, and trouble of the test bed is a notification about the run.
 */
export function renderSarif(report: RunReport): string {
  const [name = '', version = ''] = report.tool.split(' ');
  const run = new SarifRunBuilder({
    automationDetails: { id: automationId(report) },
    invocations: [invocationOf(report)],
    columnKind: 'utf16CodeUnits',
  }).initSimple({ toolDriverName: name, toolDriverVersion: version });
  const rules = new Map<string, SarifRuleBuilder>();
  for (const result of report.results) {
    for (const { rule, said } of complaintsOf(result)) {
      if (!rules.has(rule.id)) rules.set(rule.id, ruleOf(rule));
      run.addResult(resultOf(result, rule.id, said));
    }
  }
  for (const rule of rules.values()) run.addRule(rule);
  const log = new SarifBuilder();
  log.addRun(run);
  return `${log.buildSarifJsonString({ indent: true })}\n`;
}

/** What a result is about. */
interface Subject {
  readonly id: string;
  readonly says: string;
  readonly help: string;
}

interface Complaint {
  readonly rule: Subject;
  readonly said: string;
}

function complaintsOf(result: ResultLine): Complaint[] {
  const { id, doc, status, reason = '', details, broken = [] } = result;
  const scenario = { id, says: doc, help: `"iommufd-cts explain ${id}" shows its programs.` };
  if (status === 'failed' && broken.length > 0) {
    return broken.map((rule) => ({ rule: subjectOf(rule), said: `${id}: ${rule.what}` }));
  }
  if (status === 'failed') return [{ rule: scenario, said: details[0] ?? reason }];
  if (status === 'unspecified') return [{ rule: scenario, said: reason }];
  return isUnexpected(result) ? [{ rule: scenario, said: unexpectedPass(result) }] : [];
}

function subjectOf({ rule, says, cite }: BrokenRule): Subject {
  return { id: rule, says: `${says}.`, help: `Decided in ${cite}; see "iommufd-cts explain ${rule}".` };
}

function ruleOf({ id, says, help }: Subject): SarifRuleBuilder {
  return new SarifRuleBuilder({ help: { text: help } }).initSimple({
    ruleId: id,
    shortDescriptionText: says,
  });
}

function resultOf(
  { id, status, source, expected }: ResultLine,
  rule: string,
  said: string,
): SarifResultBuilder {
  const isOpen = status === 'unspecified';
  const isForeseen = status === 'failed' && expected !== undefined;
  return new SarifResultBuilder({
    kind: isOpen ? 'open' : 'fail',
    partialFingerprints: { [FINGERPRINT]: `${id} ${rule}` },
    suppressions: isForeseen ? [{ kind: 'external', justification: expected.reason }] : [],
    locations: [
      {
        ...(source === undefined
          ? {}
          : { physicalLocation: { artifactLocation: { uri: encodeURI(source) } } }),
        logicalLocations: [{ fullyQualifiedName: id, kind: 'function' }],
      },
    ],
  }).initSimple({ level: isOpen ? 'none' : 'error', messageText: said, ruleId: rule });
}

/** Runs of the same kind have the same beginning up to the last slash. */
function automationId({ target, kernel, profile, reading }: RunReport): string {
  return `${['iommufd-cts', target, kernel, profile, reading].filter((part) => part !== '').join('/')}/`;
}

function invocationOf({ results, notes, isInterrupted, description }: RunReport) {
  const troubles = results.flatMap(({ id, status, reason = '' }) =>
    status === 'infra' ? [`${id}: ${reason}`] : [],
  );
  const flakes = results.flatMap(({ id, flaky }) =>
    flaky === undefined ? [] : [`${id} is flaky: ${flaky}`],
  );
  const notify = (level: 'error' | 'warning' | 'note') => (text: string) => ({ level, message: { text } });
  return {
    executionSuccessful: troubles.length === 0 && !isInterrupted,
    machine: description,
    toolExecutionNotifications: [
      ...troubles.map(notify('error')),
      ...flakes.map(notify('warning')),
      ...notes.map(notify('note')),
    ],
  };
}
