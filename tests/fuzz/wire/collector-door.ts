/**
 * Hostile frames over a real NATS into a real collector with the embedded engine behind it: sound frames sent in
 * between are stored exactly once, what is refused is a dead letter with a reason, no shard stops.
 */
import { subjects } from "../../../contract/subjects.ts";
import type { FakeSpool } from "../../collector/fake-spool.ts";
import { type Harness, startHarness, until } from "../../collector/harness.ts";
import { type Door, Violation } from "../door.ts";
import { hostileFrame } from "../doors/native.ts";
import { chance } from "../hostile-values.ts";
import { mutate } from "../mutate.ts";

interface Stage {
  readonly harness: Harness;
  readonly sound: FakeSpool;
  readonly collector: Awaited<ReturnType<Harness["collect"]>>;
}

async function openStage(): Promise<Stage> {
  const harness = await startHarness();
  const collector = await harness.collect();
  return { harness, collector, sound: harness.spool() };
}

export function collectorDoor(): Door {
  let opening: Promise<Stage> | undefined;
  let stage: Stage | undefined;
  const open = async (): Promise<Stage> => (stage = await (opening ??= openStage()));
  // Payloads do not depend on the time of the run but for this: what is older is refused.
  const nowMs = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  return {
    ...{ name: "collector", weight: 0, atOnce: 8, isProcess: true },
    make: (random) => {
      const spool = Array.from({ length: 32 }, () => random.integer(16).toString(16)).join("");
      const frame = hostileFrame(random, spool, 1, nowMs);
      return chance(random, 0.1) ? mutate(random, frame, frame) : frame;
    },
    feed: async (payload) => {
      const { harness } = await open();
      await harness.nats.jetstream.publish(subjects.frames(0), payload);
      return "accepted: by the stream";
    },
    checkSound: async () => {
      const { sound, collector } = await open();
      const id = `sound-${sound.frames.length}`;
      const seq = await sound.send({
        predictions: [{ model: "sound", id, ts: Date.now(), num: { x: 1.5 } }],
        labels: [{ model: "sound", id, time: Date.now(), label: "yes" }],
      });
      await until(() => sound.storedThrough >= seq, "a sound frame is stored").catch(() => {
        const stuck = collector.collector.runners[0]?.stuck.current;
        throw new Violation(`a sound frame is not stored: ${stuck?.reason ?? "nothing says why"}`);
      });
    },
    memory: () => process.memoryUsage.rss(),
    close: async () => {
      if (stage === undefined) return;
      const { harness, sound } = stage;
      try {
        await verify(harness, sound.frames.length);
      } finally {
        await harness[Symbol.asyncDispose]();
      }
    },
  };
}

async function verify(harness: Harness, sent: number): Promise<void> {
  const expect = async (what: string, wanted: number, sql: string): Promise<void> => {
    const n = await harness.count(sql);
    if (n !== wanted) throw new Violation(`${what}: ${n} instead of ${wanted}`);
  };
  const sound = "FROM predictions WHERE model = 'sound' AND startsWith(id, 'sound-')";
  await expect("sound predictions", sent, `SELECT count() AS n ${sound}`);
  await expect("sound ids", sent, `SELECT uniqExact(id) AS n ${sound}`);
  await expect("their values", sent, `SELECT countIf(num['x'] = 1.5) AS n ${sound}`);
  await expect(
    "sound outcomes",
    sent,
    "SELECT count() AS n FROM outcomes FINAL WHERE model = 'sound' AND actual_label = 'yes' AND startsWith(id, 'sound-')",
  );
  await expect(
    "dead letters of the collector without a reason",
    0,
    "SELECT count() AS n FROM dead_letters WHERE reason = '' AND detail != ''",
  );
  await expect("groups set aside", 0, "SELECT count() AS n FROM groups_set_aside");
}
