import { linux612 } from '../../models/profiles/linux_6_12.js';
import { linux73 } from '../../models/profiles/linux_7_3.js';
import { renderComparisonMarkdown } from '../../reports/comparison.js';
import { compareKernels } from './kernels.js';

/** docs/changes-6.12-7.3.md: what is new for programs, without what only running programs show. */
export function changesPage(): string {
  return renderComparisonMarkdown(compareKernels(linux612, linux73), 'From Linux 6.12 to Linux 7.3');
}
