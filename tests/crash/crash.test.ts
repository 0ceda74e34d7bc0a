import { expect, it } from "vitest";
import { runCrash } from "./run-crash.ts";

const SEED = 20_010_205;

it(`loses nothing and doubles nothing while everything fails at random (seed ${SEED})`, {
  timeout: 240_000,
}, async () => {
  const report = await runCrash({
    seed: SEED,
    durationMs: 25_000,
    rowsPerRequest: 100,
    say: () => undefined,
  });
  expect(Object.keys(report.kills).length).toBeGreaterThan(2);
  expect(report.accepted.predictions).toBeGreaterThan(1000);
  expect(report).toMatchObject({
    lost: 0,
    twice: 0,
    labelsLost: 0,
    servedLost: 0,
    outcomesMissing: 0,
    rollupDifferences: 0,
    deadLetters: 0,
  });
});
