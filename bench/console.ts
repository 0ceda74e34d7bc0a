/** What people wait for: the console bench, a file for each figure. All but the alerts ask a system that runs. */
import { alertDelivered } from "./console/alert-delivered.ts";
import { grafanaPanels } from "./console/grafana-panels.ts";
import { pageOpened } from "./console/page-opened.ts";
import type { Figure } from "./figure.ts";

export async function run(): Promise<readonly Figure[]> {
  return [...(await alertDelivered()), ...(await pageOpened()), ...(await grafanaPanels())];
}
