/** Samples of model servers take the way of predictions: once, whatever is lost or said twice. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ServerMetricRow } from "../../contract/server-metric.ts";
import { readJsonRequest } from "../../agent/otlp/json-request.ts";
import { createCapture } from "../agent/capture-harness.ts";
import { type Harness, startHarness, until } from "./harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
}, 60_000);
afterAll(() => harness[Symbol.asyncDispose]());

const DAY_MS = 86_400_000;
const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;

const sample = (over: Partial<ServerMetricRow>): ServerMetricRow => ({
  ...{ model: "m", version: "1", ts: today - 60_000, instance: "a:8002", source: "scrape" },
  ...{ measure: "requests", part: "", lower: 0, upper: 0, value: 3 },
  ...over,
});
const valueOf = (model: string): Promise<number> =>
  harness.count(
    `SELECT toInt64(sum(value)) AS n FROM server_metrics WHERE model = '${model}' AND measure = 'requests'`,
  );

describe("server metrics", () => {
  it("are stored beside predictions, in the words of the table", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    const bucket = sample({
      ...{ model: "beside", measure: "latency", lower: 0.5, upper: Number.POSITIVE_INFINITY },
    });
    const seq = await spool.send({
      predictions: [{ model: "beside", id: "1", ts: today - 60_000 }],
      serverMetrics: [sample({ model: "beside" }), bucket],
    });
    await until(() => spool.storedThrough === seq, "the group is stored");
    expect(await valueOf("beside")).toBe(3);
    expect(
      await harness.count(
        "SELECT count() AS n FROM server_metrics WHERE model = 'beside' AND upper = inf AND lower = 0.5",
      ),
    ).toBe(1);
    expect(
      await harness.count(
        "SELECT max(server_metrics) AS n FROM ingest_groups WHERE has(models, 'beside')",
      ),
    ).toBe(2);
    await collector.stop();
  }, 60_000);

  it("are mended where a part was lost, and are there once", async () => {
    const first = await harness.collect();
    const spool = harness.spool();
    const rows = Array.from({ length: 100 }, (_, i) =>
      sample({ model: "lost", ts: today - (i % 2) * DAY_MS - 60_000 - i, value: 1 }),
    );
    const seq = await spool.send({ serverMetrics: rows });
    await until(() => spool.storedThrough === seq, "the group is stored");
    await first.stop();
    await harness.engine.client.command({
      query: `ALTER TABLE driftmend.server_metrics DELETE WHERE model = 'lost' AND ts < ${(today - DAY_MS) / 1000} SETTINGS mutations_sync = 1`,
    });
    expect(await valueOf("lost")).toBe(50);
    const second = await harness.collect();
    expect(await valueOf("lost")).toBe(100);
    await second.stop();
    const third = await harness.collect();
    expect(await valueOf("lost")).toBe(100);
    await third.stop();
  }, 60_000);

  it("with a time that cannot be are dead letters, and the others are stored", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    const seq = await spool.send({
      serverMetrics: [
        sample({ model: "times" }),
        sample({ model: "times", ts: today + 30 * DAY_MS }),
      ],
    });
    await until(() => spool.storedThrough === seq, "the group is stored");
    expect(await valueOf("times")).toBe(3);
    expect(
      await harness.count(
        "SELECT count() AS n FROM dead_letters WHERE model = 'times' AND record = 'server_metrics' AND reason = 'time_out_of_bounds'",
      ),
    ).toBe(1);
    await collector.stop();
  }, 60_000);
});

describe("a failed request without features", () => {
  it("counts as a request and as an error of its type, from OTLP to the rollups", async () => {
    const capture = createCapture();
    const record = {
      eventName: "ml.prediction",
      attributes: [
        { key: "ml.model.name", value: { stringValue: "featureless" } },
        { key: "ml.prediction.id", value: { stringValue: "1" } },
        { key: "error.type", value: { stringValue: "timeout" } },
      ],
    };
    const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] };
    capture.take(() => {
      const { recorder, rules, mappings } = capture;
      readJsonRequest("logs", JSON.stringify(request), recorder, rules, mappings);
    });
    const [row] = capture.rows().predictions;
    expect(row).toMatchObject({ model: "featureless", error: "timeout", num: [], cat: [] });
    const collector = await harness.collect();
    const spool = harness.spool();
    const failed = { model: "featureless", id: "1", ts: today - 60_000, error: "timeout" };
    const seq = await spool.send({ predictions: [failed, { ...failed, id: "2", error: "" }] });
    await until(() => spool.storedThrough === seq, "the group is stored");
    const requests = (where: string): Promise<number> =>
      harness.count(
        `SELECT sum(n) AS n FROM model_minutes WHERE model = 'featureless' AND segment_tag = ''${where}`,
      );
    expect(await requests("")).toBe(2);
    expect(await requests(" AND error = 'timeout'")).toBe(1);
    await collector.stop();
  }, 60_000);
});
