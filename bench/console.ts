/** What people wait for: the console bench, a file for each figure. The page and the panels ask a system that runs. */
import { alertDelivered } from "./console/alert-delivered.ts";
import { commandTimes } from "./console/command-times.ts";
import { grafanaPanels } from "./console/grafana-panels.ts";
import { pageOpened } from "./console/page-opened.ts";
import type { Figure } from "./figure.ts";

export async function run(): Promise<readonly Figure[]> {
  return [
    ...(await alertDelivered()),
    ...(await commandTimes()),
    ...(await pageOpened()),
    ...(await grafanaPanels()),
  ];
}
