/**
 * From the moment at which a rule is true to the receiver's having the alert: a real analyzer over the real
 * engine and NATS, one model and one webhook after another. The moment is the watermark that closes the
 * second bad step of an error rate; what comes before it is the rule's own patience.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Analyzer } from "../../analyzer/analyzer.ts";
import { parseChannels } from "../../analyzer/channels/channels-file.ts";
import { LIMITS } from "../../contract/limits.ts";
import { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { subjects } from "../../contract/subjects.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { findNatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import { type Nats, connectNats } from "../../runtime/nats.ts";
import { seededRandom } from "../../runtime/random.ts";
import { type Store, openStore } from "../../store/client.ts";
import { migrate } from "../../store/migrate.ts";
import { quantileOfSorted } from "../../stats/index.ts";
import { loadHistory } from "../../tests/analyzer/support/load-history.ts";
import { START_MS, syntheticDay } from "../../tests/analyzer/support/synthetic-traffic.ts";
import { type Receiver, startReceiver } from "../../tests/analyzer/notify/support/receiver.ts";
import { startEmbeddedEngine } from "../../tests/support/embedded-engine.ts";
import type { Figure } from "../figure.ts";

const MODELS = 20;
const HOUR_MS = 3_600_000;
const STEP_MS = 300_000;
/** Errors begin here; the second step after it makes the alert fire. */
const BAD_MS = START_MS + 14 * HOUR_MS;
const deps = { clock: systemClock, logger: silentLogger };
const named = (index: number): string => `bench-${index}`;

export async function alertDelivered(): Promise<readonly Figure[]> {
  await using engine = await startEmbeddedEngine();
  await using receiver = await startReceiver();
  const folder = await mkdtemp(join(tmpdir(), "driftmend-bench-"));
  const store = openStore({ ...engine, database: "driftmend" }, deps);
  await migrate(store, { retention: { predictions: 3_650, minutes: 3_650 } }, deps);
  const server = await startNatsServer(
    {
      ...{ storeDir: folder, port: 0, maxPayloadBytes: LIMITS.natsPayloadBytesMax },
      binary: findNatsServer(processEnvironment()),
    },
    deps,
  );
  const nats = await connectNats({ url: server.url, name: "bench" }, deps);
  const analyzer = await startAnalyzer(store, nats, folder, receiver.url);
  try {
    const waits: number[] = [];
    for (let index = 0; index < MODELS; index++) {
      waits.push(await once(named(index), { store, nats, analyzer, receiver }));
    }
    waits.sort((a, b) => a - b);
    return [
      figure("alert_delivered_ms", waits, 0.95),
      figure("alert_delivered_ms_p50", waits, 0.5),
    ];
  } finally {
    await analyzer.stop();
    await nats.close();
    await server.stop();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function startAnalyzer(
  store: Store,
  nats: Nats,
  folder: string,
  url: string,
): Promise<Analyzer> {
  const channels = Array.from(
    { length: MODELS },
    (_, index) => `  webhook/${named(index)}: { url: "${url}/${named(index)}" }`,
  );
  const analyzer = new Analyzer(
    {
      book: parseChannels(`channels:\n${channels.join("\n")}`, "channels.yaml", {}),
      ...{ webhookUrl: undefined, webhookSecret: undefined, dataDir: folder },
      journalPath: join(folder, "notifications.sqlite"),
    },
    {
      ...{ store, nats, random: seededRandom(1), metrics: createMetrics("analyzer") },
      ...deps,
    },
  );
  await analyzer.start();
  return analyzer;
}

/** Milliseconds from the watermark that makes the rule true to the webhook. */
async function once(
  model: string,
  {
    store,
    nats,
    analyzer,
    receiver,
  }: {
    readonly store: Store;
    readonly nats: Nats;
    readonly analyzer: Analyzer;
    readonly receiver: Receiver;
  },
): Promise<number> {
  const errors = { fromMs: BAD_MS, toMs: BAD_MS + HOUR_MS, share: 0.5 };
  const rows = syntheticDay({ seed: 3, rowsPerDay: 20_000, errors }, 0)
    .filter(({ ts }) => ts >= BAD_MS - HOUR_MS && ts < BAD_MS + HOUR_MS)
    .map((row) => ({ ...row, model }));
  await loadHistory(store, {
    model,
    rows,
    tags: [],
    fromMs: BAD_MS - HOUR_MS,
    toMs: BAD_MS + HOUR_MS,
  });
  const given = {
    ...{ apiVersion: "driftmend/v1", kind: "Model", metadata: { name: model } },
    ...{ task: { type: "binary" }, labels: { lateness: 0 }, alerts: { page: `webhook/${model}` } },
  };
  await analyzer.putDocument(OnboardingDocument.parse(given), given, "bench");
  const announce = (ms: number): void =>
    nats.publish(subjects.watermark(model), {
      ...{ model, clock: "replay", watermarkMs: ms, clockMs: ms },
    });
  announce(BAD_MS + STEP_MS);
  await until(() => (analyzer.analyzedMs(model) ?? 0) >= BAD_MS + STEP_MS);
  const startedMs = systemClock.monotonicMs();
  announce(BAD_MS + 2 * STEP_MS);
  await until(() => receiver.received.some(({ path }) => path === `/${model}`));
  return systemClock.monotonicMs() - startedMs;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await systemClock.sleep(10);
}

const figure = (metric: string, sorted: readonly number[], share: number): Figure => ({
  ...{ bench: "console", metric, unit: "ms", ratio: null, against: null },
  value: quantileOfSorted(sorted, share),
});
