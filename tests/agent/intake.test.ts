/** When what was taken in is written: soon for who waits for an answer, together for who does not. */
import { afterEach, expect, it } from "vitest";
import { Intake } from "../../agent/intake.ts";
import { takePlainPrediction } from "../../agent/plain-record.ts";
import { Spool } from "../../agent/spool/spool.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { framesIn, temporaryFolder } from "./agent-process.ts";
import { createCapture, plainPrediction } from "./capture-harness.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

async function openIntake() {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  const { nowMs } = systemClock;
  const spool = await Spool.open(path, {
    ...{ nowMs, logger: silentLogger, randomHex: () => "7".repeat(32) },
  });
  cleanups.push(() => spool.close());
  const { recorder, clocks } = createCapture();
  const intake = new Intake({
    ...{ spool, recorder, clocks, clock: systemClock, spoolBytesMax: 1e9 },
    onBroken: (error) => {
      throw error;
    },
    ...{ onCommitted: () => undefined, onRoom: () => undefined },
  });
  const take = (id: string, patienceMs?: number): Promise<unknown> =>
    intake.takeNew(() => takePlainPrediction(recorder, plainPrediction(id)), patienceMs);
  return { intake, take, rowsOfFrames: () => framesIn(path).map(rowsOf) };
}

const rowsOf = ({
  sections,
}: {
  readonly sections: readonly { readonly rows: number }[];
}): number => sections.reduce((sum, { rows }) => sum + rows, 0);

it("what may wait is written together, after it has waited", async () => {
  const { take, rowsOfFrames } = await openIntake();
  const first = take("1", 100);
  await systemClock.sleep(20);
  const second = take("2", 100);
  expect(rowsOfFrames()).toEqual([]);
  await Promise.all([first, second]);
  expect(rowsOfFrames()).toEqual([2]);
});

it("who is in a hurry takes along what waits", async () => {
  const { take, rowsOfFrames } = await openIntake();
  const patient = take("1", 3_600_000);
  await take("2");
  await patient;
  expect(rowsOfFrames()).toEqual([2]);
});

it("what comes after a patient one was written waits for its own time", async () => {
  const { intake, take, rowsOfFrames } = await openIntake();
  await take("1", 20);
  const later = take("2", 40);
  const together = take("3", 3_600_000);
  await Promise.all([later, together]);
  await intake.drain();
  expect(rowsOfFrames()).toEqual([1, 2]);
});
