/** What people wait for: the console bench, a file for each figure. */
import { commandTimes } from "./console/command-times.ts";
import type { Figure } from "./figure.ts";

export async function run(): Promise<readonly Figure[]> {
  return [...(await commandTimes())];
}
