/** A model that only its server speaks of: its errors and latency are judged, its resources compared, its operations shown. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { advance } from "../../analyzer/advance.ts";
import { defaultDocument } from "../../analyzer/documents/default-document.ts";
import { Evaluation } from "../../analyzer/evaluation.ts";
import { EMPTY_MEMORY } from "../../analyzer/memory.ts";
import type { Measure } from "../../contract/server-metric.ts";
import { ModelsView } from "../../contract/views.ts";
import { OperationsView } from "../../contract/operations-view.ts";
import { deps } from "./support/analysis-stage.ts";
import {
  READ_TOKEN,
  type Running,
  type ServiceStage,
  startServiceStage,
} from "./support/service-stage.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** A Wednesday of the last weeks, so that nothing is too old to be kept. */
const today = Math.floor((Date.now() - 2 * DAY_MS) / WEEK_MS) * WEEK_MS - WEEK_MS;
const noon = today + 12 * HOUR_MS;

let service: ServiceStage;
let running: Running;
beforeAll(async () => {
  service = await startServiceStage(5);
  running = await service.startService();
}, 240_000);
afterAll(async () => {
  await running.stop();
  await service.close();
});

interface Sample {
  readonly measure: Measure;
  readonly ts: number;
  readonly value: number;
  readonly part?: string;
  readonly lower?: number;
  readonly upper?: number;
}

const insert = (model: string, samples: readonly Sample[]): Promise<void> =>
  service.stage.store.insert(
    "server_metrics",
    samples.map((sample) => ({
      ...{ model, version: "1", instance: "a:8002", source: "scrape" },
      ...{ part: "", lower: 0, upper: 0 },
      ...sample,
      ...{ _spool: "0".repeat(32), _seq: 1, _group: 1, _shard: 0 },
    })),
  );

/** Every half minute 50 requests; from noon for half an hour a fifth fails, and a third is slow. */
function halfDay(): Sample[] {
  const samples: Sample[] = [];
  for (let ts = today + 10 * HOUR_MS; ts < today + 14 * HOUR_MS; ts += MINUTE_MS / 2) {
    const bad = ts >= noon && ts < noon + 30 * MINUTE_MS;
    const bucket = { measure: "latency", ts } as const;
    samples.push(
      { measure: "requests", ts, value: 50 },
      { measure: "errors", part: "REJECTED", ts, value: bad ? 10 : 0 },
      { ...bucket, lower: 0, upper: 0.06, value: bad ? 35 : 50 },
      { ...bucket, lower: 0.06, upper: 0.5, value: bad ? 15 : 0 },
      { measure: "latency_seconds", ts, value: bad ? 4 : 1 },
      { measure: "latency_count", ts, value: 50 },
      { measure: "gpu_utilisation", part: "0", ts, value: bad ? 0.9 : 0.3 },
    );
  }
  return samples;
}

function evaluationOf(model: string): Evaluation {
  const given = defaultDocument(model);
  const document = { ...given, service: { ...given.service, latency_p95: 60 } };
  const context = { model, document, isDescribed: true, grids: new Map(), reference: null };
  return new Evaluation(context, EMPTY_MEMORY);
}

const told = (evaluation: Evaluation) =>
  evaluation.revisions
    .filter(({ notify }) => notify)
    .map(({ state, draft }) => [draft.kind, draft.subject, draft.severity, state]);

describe("a model without records", () => {
  it("pages for errors and latency of its server, and says when they are over", async () => {
    await insert("served", halfDay());
    const evaluation = evaluationOf("served");
    await advance(evaluation, today, today + DAY_MS, { ...deps, store: service.stage.store });
    expect(evaluation.memory.trafficFrom).toBe("server");
    expect(told(evaluation).toSorted()).toEqual([
      ["error-share", "", "page", "firing"],
      ["error-share", "", "page", "resolved"],
      ["latency", "", "page", "firing"],
      ["latency", "", "page", "resolved"],
    ]);
    const [fired] = evaluation.revisions.filter(
      ({ draft, notify }) => notify && draft.kind === "error-share",
    );
    expect(fired?.atMs).toBeLessThanOrEqual(noon + 15 * MINUTE_MS);
  });

  it("is in the list and has its operations from there", async () => {
    const get = async (path: string): Promise<unknown> => {
      const headers = { authorization: `Bearer ${READ_TOKEN}` };
      const response = await fetch(`${running.url}${path}`, { headers });
      expect(response.status).toBe(200);
      return response.json();
    };
    const { models } = ModelsView.parse(await get("/api/v1/models"));
    expect(models.map(({ model }) => model)).toContain("served");
    const span = `from=${new Date(today).toISOString()}&to=${new Date(today + DAY_MS).toISOString()}`;
    const operations = OperationsView.parse(await get(`/api/v1/models/served/operations?${span}`));
    expect(operations).toMatchObject({
      ...{ source: "server", predictions: 24_000, errors: 600, errorShare: 0.025 },
      errorTypes: [{ error: "REJECTED", version: "", requests: 600 }],
      server: { requests: 24_000, meanLatencySeconds: expect.closeTo(0.0275) },
    });
    // 23 100 of 24 000 lie within 60 ms.
    expect(operations.latencySeconds?.p50).toBeCloseTo(0.031, 3);
    expect(operations.latencySeconds?.p99).toBeGreaterThan(0.05);
    expect(operations.resources).toMatchObject([
      {
        measure: "gpu_utilisation",
        unit: "share",
        part: "0",
        source: "scrape",
        max: 0.9,
        last: 0.3,
      },
    ]);
  });

  it("has a ticket for a GPU that is used as never at this hour", async () => {
    const samples: Sample[] = [];
    for (let week = 5; week >= 0; week--) {
      for (
        let ts = today - week * WEEK_MS;
        ts < today - week * WEEK_MS + DAY_MS;
        ts += 5 * MINUTE_MS
      ) {
        const isNew = week === 0 && ts >= noon && ts < noon + 4 * HOUR_MS;
        samples.push({
          measure: "gpu_utilisation",
          part: "0",
          ts,
          value: isNew ? 0.95 : 0.3 + (week % 3) / 50,
        });
      }
    }
    await insert("gpu", samples);
    const evaluation = evaluationOf("gpu");
    await advance(evaluation, today, today + DAY_MS, { ...deps, store: service.stage.store });
    expect(told(evaluation)).toEqual([
      ["latency", "resource/gpu_utilisation", "ticket", "firing"],
      ["latency", "resource/gpu_utilisation", "ticket", "resolved"],
    ]);
    expect(evaluation.revisions.find(({ notify }) => notify)?.draft.title).toBe(
      "GPU in use: 95 %, usually 32 %",
    );
  });
});
