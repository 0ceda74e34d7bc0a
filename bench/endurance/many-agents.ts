/**
 * A thousand agents with tiny batches: as many spools, each with a frame of ten predictions a second and a head every two,
 * on one connection. What a frame costs, and how long it takes until its spool hears that it is stored.
 */
import { silentLogger } from "../../runtime/logger.ts";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { connectNats } from "../../runtime/nats.ts";
import { seededRandom } from "../../runtime/random.ts";
import { FakeSpool } from "../../tests/collector/fake-spool.ts";
import type { Figure } from "../figure.ts";
import { percentile } from "../percentile.ts";
import { startSystem } from "../pipeline/system-under-load.ts";

const CARRIERS = ["nats", "collector", "store"] as const;
const AGENTS = 1_000;
const ROWS = 10;
const SECONDS = 60;
const WARM_UP_SECONDS = 10;
const HEAD_EVERY = 2;

export async function manyAgents(seconds = SECONDS): Promise<Figure[]> {
  await using system = await startSystem();
  const nats = await connectNats({ url: system.natsUrl, name: "bench" }, { logger: silentLogger });
  const random = seededRandom(9);
  const spools = Array.from(
    { length: AGENTS },
    (_, i) => new FakeSpool(nats, { shards: LIMITS.shards, shard: i % LIMITS.shards }),
  );
  const rows = (spool: number, second: number) =>
    Array.from({ length: ROWS }, (_, i) => ({
      ...{ model: `model-${spool % 20}`, id: `${spool}-${second}-${i}`, ts: systemClock.nowMs() },
      ...{ num: { a: random.next(), b: random.next(), c: random.next() }, score: random.next() },
    }));
  const delaysMs: number[] = [];
  const publishedMs = new Map<string, number>();
  const cpuMs = CARRIERS.map(() => 0);
  const count = (sign: 1 | -1): void => {
    for (const [i, name] of CARRIERS.entries())
      cpuMs[i] = (cpuMs[i] ?? 0) + sign * system.cpuMs(name);
  };
  const total = WARM_UP_SECONDS + seconds;
  const begunMs = systemClock.monotonicMs();
  const watch = systemClock.every(20, () => {
    for (const [key, atMs] of publishedMs) {
      const [spool = 0, seq = 0] = key.split("/").map(Number);
      if ((spools[spool]?.storedThrough ?? 0) < seq) continue;
      delaysMs.push(systemClock.monotonicMs() - atMs);
      publishedMs.delete(key);
    }
  });
  for (let second = 0; second < total; second++) {
    if (second === WARM_UP_SECONDS) {
      delaysMs.length = 0;
      count(-1);
    }
    for (const [i, spool] of spools.entries()) {
      const dueMs = begunMs + 1000 * (second + i / AGENTS);
      const earlyMs = dueMs - systemClock.monotonicMs();
      if (earlyMs > 0) await systemClock.sleep(earlyMs);
      const seq = spool.add({ predictions: rows(i, second) });
      publishedMs.set(`${i}/${seq}`, systemClock.monotonicMs());
      // Acks are for agents; here the answer that counts is that it is stored.
      void spool.publish(seq).catch(() => undefined);
      if (second % HEAD_EVERY === 0) spool.announce(systemClock.nowMs());
    }
  }
  const sentSeconds = (systemClock.monotonicMs() - begunMs) / 1000;
  const deadlineMs = systemClock.monotonicMs() + 120_000;
  while (publishedMs.size > 0 && systemClock.monotonicMs() < deadlineMs)
    await systemClock.sleep(100);
  watch();
  count(1);
  const late = publishedMs.size;
  for (const spool of spools) spool.close();
  await nats.close();
  const figure = (metric: string, value: number, unit: string): Figure => ({
    ...{ bench: "endurance", metric, value, unit, ratio: null, against: null },
  });
  return [
    figure(
      "agents_frames_per_second",
      (AGENTS * total) / sentSeconds,
      `frames/s of ${AGENTS} agents`,
    ),
    figure("agents_frames_not_stored", late, "frames, two minutes after the last"),
    figure(
      "agents_stored_p50",
      percentile(delaysMs, 0.5) / 1000,
      "s from publishing to hearing it",
    ),
    figure(
      "agents_stored_p99",
      percentile(delaysMs, 0.99) / 1000,
      "s from publishing to hearing it",
    ),
    ...CARRIERS.map((name, i) =>
      figure(
        `agents_cpu_us_per_frame_${name}`,
        (1000 * (cpuMs[i] ?? 0)) / (AGENTS * seconds),
        "CPU µs",
      ),
    ),
  ];
}
