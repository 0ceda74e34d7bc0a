/** What is said about a run's step: a title that stands alone, and a text for whoever is woken by it. */
import type { Numbers } from "../../contract/run.ts";
import type { Run } from "../journal/run-state.ts";
import type { RetrainerDeps } from "./deps.ts";

export function sayRun(
  run: Run,
  atMs: number,
  title: string,
  text: string,
  deps: RetrainerDeps,
  numbers: Numbers = {},
): void {
  deps.say({
    model: run.model,
    atMs,
    step: run.status,
    runId: run.id,
    decision: null,
    version: "version" in run ? run.version : null,
    title: `${run.model}: ${title}`,
    text: /[.!?]$/.test(text) ? text : `${text}.`,
    numbers,
  });
}
