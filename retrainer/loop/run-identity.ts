/** Names of checks and runs: the same decision has the same name on every machine and after every restart. */
import { createHash } from "node:crypto";

const digest = (...parts: readonly (string | number)[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 6);

const stamp = (atMs: number): string =>
  new Date(atMs).toISOString().slice(0, 16).replaceAll(/[-:]/g, "");

export const checkId = (model: string, atMs: number, trigger: string): string =>
  `check-${stamp(atMs)}-${digest(model, atMs, trigger)}`;

/** @param number how many runs the model had at this moment already */
export const runId = (model: string, atMs: number, trigger: string, number: number): string =>
  `run-${stamp(atMs)}-${digest(model, atMs, trigger, number)}`;
