/**
 * What `record` costs the process that predicts: 20 features (16 numeric, 4 categorical), other values at each call,
 * encoded and batched.
 */
import { openRecorder } from "../../agent/in-process/recorder.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type Random, seededRandom } from "../../runtime/random.ts";
import type { Figure } from "../figure.ts";

const CALLS = 50_000;
const ROUNDS = 12;
const KINDS = 256;
const CATEGORIES = ["web", "mobile app", "call centre", "branch office", "partner"];

function someFeatures(random: Random): Readonly<Record<string, number | string>> {
  const features: Record<string, number | string> = {};
  for (let i = 0; i < 16; i++) features[`numeric_${i}`] = random.next() * 100;
  for (let i = 0; i < 4; i++) {
    features[`category_${i}`] = CATEGORIES[Math.floor(random.next() * CATEGORIES.length)] ?? "";
  }
  return features;
}

export async function inProcess(): Promise<readonly Figure[]> {
  const random = seededRandom(5);
  const kinds = Array.from({ length: KINDS }, () => someFeatures(random));
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
      const features = kinds[i % KINDS] ?? {};
      recorder.record({ model: "m", version: "3", id: `order-${i}`, features, score: 0.25 });
    }
    const middleMs = systemClock.monotonicMs();
    for (let i = 0; i < CALLS; i++) {
      const features = kinds[i % KINDS] ?? {};
      const line = JSON.stringify({
        model: "m",
        version: "3",
        id: `order-${i}`,
        features,
        score: 0.25,
      });
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
