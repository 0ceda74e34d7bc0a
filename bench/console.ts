/** What people wait for: the console bench, a file for each figure. */
import { alertDelivered } from "./console/alert-delivered.ts";
import type { Figure } from "./figure.ts";

export async function run(): Promise<readonly Figure[]> {
  return [...(await alertDelivered())];
}
