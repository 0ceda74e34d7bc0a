/** What `record` costs the process that predicts: 20 features (16 numeric, 4 categorical), encoded and batched. */
import { openRecorder } from "../../agent/in-process/recorder.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Figure } from "../figure.ts";

const CALLS = 50_000;
const ROUNDS = 5;

export async function inProcess(): Promise<readonly Figure[]> {
  const features: Record<string, number | string> = {};
  for (let i = 0; i < 16; i++) features[`numeric_${i}`] = i * 1.37;
  for (let i = 0; i < 4; i++) features[`category_${i}`] = `value ${i}`;
  // Nobody answers there: what is measured is the call and the batches, without the network.
  const recorder = openRecorder({
    url: "http://127.0.0.1:1",
    waitingMax: Number.POSITIVE_INFINITY,
  });
  const plain: object[] = [];
  let [ours, json] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round <= ROUNDS; round++) {
    const beganMs = systemClock.monotonicMs();
    for (let i = 0; i < CALLS; i++) {
      recorder.record({ model: "m", version: "3", id: `order-${i}`, features, score: 0.25 });
    }
    const middleMs = systemClock.monotonicMs();
    for (let i = 0; i < CALLS; i++) {
      const line = JSON.stringify({ model: "m", version: "3", id: `order-${i}`, features });
      if (line.length === 0) plain.push(features);
    }
    if (round > 0) {
      ours = Math.min(ours, middleMs - beganMs);
      json = Math.min(json, systemClock.monotonicMs() - middleMs);
    }
  }
  await recorder.close(0);
  return [
    {
      ...{ bench: "capture", metric: "record", value: (1000 * ours) / CALLS, unit: "µs/call" },
      ...{ ratio: json / ours, against: "JSON.stringify of the same" },
    },
  ];
}
