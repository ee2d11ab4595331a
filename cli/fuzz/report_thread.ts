import { renderHtml } from '../../reports/html/page.js';
import { readCampaign } from '../report/campaign.js';
import { reportData } from '../report/data.js';

/** A campaign whose report is wanted. */
export interface ReportTask {
  readonly directory: string;
  /** Name and version of this program. */
  readonly tool: string;
}

/** The report of a campaign as it is on the disk, drawn in a thread of its own: the campaign goes on meanwhile. */
export default async function drawReport({ directory, tool }: ReportTask): Promise<string> {
  const nothing = { runs: [], coverages: [], patches: [], earlier: { runs: [], coverages: [] } };
  const campaigns = [await readCampaign(directory)];
  return renderHtml(reportData({ ...nothing, tool, campaigns, withDesigns: false }));
}
