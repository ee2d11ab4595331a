import { CALLS, callByName } from '../../models/ioctls/index.js';
import { UsageError } from '../errors.js';
import { focusOf } from '../patch/focus.js';
import { type FocusFiles, readFocusDiff } from '../patch/focus_files.js';

/** What the user says that a campaign is to be about. */
interface FocusArgs extends FocusFiles {
  readonly focus: string[] | undefined;
}

/** The same as a campaign keeps it. */
interface CampaignFocus {
  readonly focus: readonly string[];
  /** As `file:function`. */
  readonly functions?: readonly string[];
}

/**
 * Calls by their names, and by what a diff changes.
 * @param tell says why
 * @throws UsageError when there is no such call, or no call is known to come to what the diff changes
 */
export async function focusOfCampaign(
  { focus: named = [], ...files }: FocusArgs,
  tell: (why: string) => void,
): Promise<CampaignFocus> {
  for (const name of named) checkCall(name);
  const focusDiff = await readFocusDiff(files);
  if (focusDiff === undefined) return { focus: named };
  const { calls, functions, told } = focusOf(focusDiff.diff, focusDiff.measured);
  for (const why of [...told, ...focusDiff.unnamed]) tell(why);
  const focus = [...new Set([...named, ...calls])];
  if (focus.length === 0) {
    throw new UsageError(
      `no call is known to come to what ${focusDiff.path} changes: name some with --focus, or give what "coverage --json" wrote with --coverage`,
    );
  }
  tell(`focus on ${focus.join(', ')}`);
  return { focus, functions: functions.map(({ file, function: name }) => `${file}:${name}`) };
}

function checkCall(name: string): void {
  if (callByName(name) !== undefined) return;
  const similar = CALLS.map((call) => call.name).filter((known) => known.includes(name.toUpperCase()));
  const hint =
    similar.length === 0 ? '"explain" lists them' : `did you mean ${similar.slice(0, 3).join(' or ')}?`;
  throw new UsageError(`--focus: there is no call ${name}; ${hint}`);
}
