import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { signWebhook } from "../../analyzer/channels/sign-webhook.ts";
import { AlertDetail, AlertExplanation, AlertTest, AlertView } from "../../contract/alert.ts";
import { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { ModelMessage } from "../../contract/messages.ts";
import { subjects } from "../../contract/subjects.ts";
import {
  AlertRowsView,
  ChangesView,
  DriftView,
  ModelsView,
  PerformanceView,
  QualityView,
} from "../../contract/views.ts";
import { OperationsView } from "../../contract/operations-view.ts";
import type { Nats } from "../../runtime/nats.ts";
import { type AnalysisStage, loadDays } from "./support/analysis-stage.ts";
import {
  READ_TOKEN,
  type Running,
  SECRET,
  type ServiceStage,
  call,
  startServiceStage,
} from "./support/service-stage.ts";
import { DAY_MS, MODEL, START_MS, type TrafficPlan } from "./support/synthetic-traffic.ts";

const ROWS_PER_DAY = 2_000;
const FIRST_DAY = 21;
const HOUR_MS = 3_600_000;
const at = (day: number): number => START_MS + day * DAY_MS;
const plan: TrafficPlan = {
  seed: 4,
  rowsPerDay: ROWS_PER_DAY,
  breaks: [{ fromDay: 25, toDay: 99, clients: ["c1"], distanceFactor: 1000 }],
};

let service: ServiceStage;
let stage: AnalysisStage;
let nats: Nats;
let alerts: ServiceStage["alerts"];
let received: ServiceStage["received"];
const startService = (): Promise<Running> => service.startService();
const announce = (ms: number): Promise<void> => service.announce(ms);

beforeAll(async () => {
  service = await startServiceStage(ROWS_PER_DAY);
  ({ stage, nats, alerts, received } = service);
}, 240_000);
afterAll(() => service.close());

const listed = z.object({ alerts: z.array(AlertView) });

describe("the analyzer as a service", () => {
  let running: Running;
  beforeAll(async () => {
    running = await startService();
  });
  afterAll(() => running.stop());

  it("refuses documents that are wrong, and those that only the read token sends", async () => {
    const path = `/api/v1/models/${MODEL}`;
    const typo = { ...stage.documentGiven, lables: {} };
    expect((await call(running, "PUT", path, typo)).status).toBe(400);
    const reading = await call(running, "PUT", path, stage.documentGiven, READ_TOKEN);
    expect(reading.status).toBe(403);
    const other = await call(running, "PUT", "/api/v1/models/other", stage.documentGiven);
    expect(other).toMatchObject({ status: 400, json: { code: "request_invalid" } });
    const gone = {
      ...stage.documentGiven,
      reference: { training_set: "/nowhere/training.parquet" },
    };
    const unreadable = await call(running, "PUT", path, gone);
    expect(unreadable).toMatchObject({ status: 400, json: { code: "training_set_unreadable" } });
  });

  it("stores a document, reads its training set once and announces both", async () => {
    const heard: ModelMessage[] = [];
    const stop = nats.subscribe(subjects.all("model"), ModelMessage, (message) => {
      heard.push(message);
    });
    await nats.connection.flush();
    const first = await call(running, "PUT", `/api/v1/models/${MODEL}`, stage.documentGiven);
    expect(first).toMatchObject({
      status: 201,
      json: { revision: 1, reference: { learnt: true } },
    });
    const again = await call(running, "PUT", `/api/v1/models/${MODEL}`, stage.documentGiven);
    expect(again).toMatchObject({
      status: 200,
      json: { revision: 2, reference: { learnt: false } },
    });
    const asked = await nats.request(subjects.models, z.array(ModelMessage), 5_000);
    expect(asked).toMatchObject([{ model: MODEL, revision: 2 }]);
    expect(heard.map(({ revision }) => revision)).toEqual([1, 2]);
    stop();
  });

  it("analyses what a watermark closes, and tells a break once it is stored", async () => {
    await loadDays(stage.store, plan, FIRST_DAY, 27);
    await announce(at(26));
    expect(alerts).toMatchObject([{ kind: "data-break", state: "firing", fromMs: at(25) }]);
    const { json } = await call(running, "GET", `/api/v1/alerts?model=${MODEL}`);
    const [alert] = listed.parse(json).alerts;
    expect(alert).toMatchObject({ state: "firing", severity: "ticket", cause: "data" });
  });

  it("explains an alert from what it is to what may be done", async () => {
    const change = {
      model: MODEL,
      time: new Date(at(25)).toISOString(),
      kind: "deploy",
      title: "c1 4.0",
    };
    expect((await call(running, "POST", "/api/v1/changes", change)).status).toBe(201);
    const id = alerts[0]?.id ?? "";
    const { json } = await call(running, "GET", `/api/v1/alerts/${id}`);
    const detail = AlertDetail.parse(json);
    expect(detail.explanation.what).toContain("distance");
    expect(detail.explanation.changes.join()).toContain("c1 4.0");
    expect(detail.explanation.commands).toContain(`driftmend loop pause ${MODEL}`);
    expect(detail.finding).toMatchObject({ columns: ["distance"], segment: { values: ["c1"] } });
    expect(detail.finding?.factor).toBeCloseTo(1000, 0);
    expect(detail.replayDigest).toMatch(/^[0-9a-f]{64}$/);
  });

  it("delivers it by a signed webhook until it is taken, under one id", async () => {
    await expect.poll(() => received.length, { timeout: 20_000 }).toBe(2);
    const [first, second] = received;
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    const id = String(second?.headers["webhook-id"]);
    const timestamp = Number(second?.headers["webhook-timestamp"]);
    expect(second?.headers["webhook-signature"]).toBe(
      signWebhook(SECRET, id, timestamp, second?.body ?? ""),
    );
    const told = z
      .object({ type: z.string(), data: z.object({ explanation: AlertExplanation }) })
      .parse(JSON.parse(second?.body ?? ""));
    expect(told.type).toBe("alert.firing");
    expect(told.data.explanation.what).toContain("distance");
    expect(told.data.explanation.commands).toContain(`driftmend loop pause ${MODEL}`);
  });

  it("shows the rows behind it, and what was told to whom", async () => {
    const id = alerts[0]?.id ?? "";
    const { json } = await call(running, "GET", `/api/v1/alerts/${id}/rows?limit=5`);
    const { rows, which } = AlertRowsView.parse(json);
    expect(which).toBe("rows of client c1");
    expect(rows).toHaveLength(5);
    expect(rows).toMatchObject(rows.map(() => ({ tags: { client: "c1" } })));
    const detail = AlertDetail.parse((await call(running, "GET", `/api/v1/alerts/${id}`)).json);
    expect(detail.told.map(({ text }) => text)).toEqual(["webhook/default: firing delivered"]);
  });

  it("tests the channels of a model for who may act, and refuses unknown ones in a document", async () => {
    const path = `/api/v1/models/${MODEL}/alerts/test`;
    expect((await call(running, "POST", path, {}, READ_TOKEN)).status).toBe(403);
    const { json } = await call(running, "POST", path, {});
    expect(AlertTest.parse(json).answers).toMatchObject([
      { channel: "webhook/default", severities: ["page", "ticket", "info"], delivered: true },
    ]);
    const named = { ...stage.documentGiven, alerts: { page: "pagerduty/risk" } };
    const refused = await call(running, "PUT", `/api/v1/models/${MODEL}`, named);
    expect(refused).toMatchObject({ status: 400, json: { code: "channel_unknown" } });
  });

  it("acknowledges and silences", async () => {
    const id = alerts[0]?.id ?? "";
    const path = `/api/v1/alerts/${id}`;
    await call(running, "POST", `${path}/acknowledge`, { by: "ann" });
    const silence = { for: "4h", reason: "known", by: "ann" };
    const { json } = await call(running, "POST", `${path}/silence`, silence);
    expect(AlertView.parse(json)).toMatchObject({
      acknowledged: { by: "ann" },
      silenced: { by: "ann", reason: "known" },
    });
    expect((await call(running, "POST", `${path}/silence`, { for: "4h" })).status).toBe(400);
  });

  it("answers drift of any span from what is visible now, and exactly the same from raw", async () => {
    const span = `from=${new Date(at(21)).toISOString()}&to=${new Date(at(25)).toISOString()}`;
    const Drift = z.looseObject({
      rows: z.int(),
      features: z.array(z.looseObject({ feature: z.string(), psi: z.number() })),
    });
    const path = `/api/v1/models/${MODEL}/drift?${span}`;
    const rollups = Drift.parse((await call(running, "GET", path)).json);
    const raw = Drift.parse((await call(running, "GET", `${path}&exact`)).json);
    expect(rollups.rows).toBe(4 * ROWS_PER_DAY);
    expect(rollups.features).toHaveLength(4 * 11);
    expect(raw.features).toEqual(rollups.features);
    const bad = await call(running, "GET", `/api/v1/models/${MODEL}/drift?from=yesterday`);
    expect(bad.status).toBe(400);
  });

  it("shows models, performance, quality, operations and its own state", async () => {
    const show = async <S extends z.ZodType>(path: string, view: S): Promise<z.output<S>> =>
      view.parse((await call(running, "GET", path)).json);
    const { models } = await show("/api/v1/models", ModelsView);
    expect(models).toContainEqual(
      expect.objectContaining({ model: MODEL, state: "ticket", status: "active", clock: "replay" }),
    );
    const own = models.find(({ model }) => model === MODEL);
    expect(own?.trafficHours?.predictions.reduce((sum, n) => sum + n, 0)).toBe(6 * ROWS_PER_DAY);
    const path = `/api/v1/models/${MODEL}`;
    const { realised } = await show(`${path}/performance`, PerformanceView);
    const days = await show(`${path}/performance?grain=day&scope=all-rows`, PerformanceView);
    const isWhole = ({ grain, segment, version }: (typeof realised)[number]): boolean =>
      grain === "day" && segment === null && version === null;
    expect(days.realised).toEqual(realised.filter(isWhole));
    expect(days.realised).toHaveLength(5);
    const segments = await show(`${path}/performance?scope=segments`, PerformanceView);
    expect(segments.realised).toEqual(realised.filter(({ segment }) => segment !== null));
    const span = `from=${new Date(at(25)).toISOString()}&to=${new Date(at(26)).toISOString()}`;
    const quality = await show(`${path}/quality?${span}`, QualityView);
    expect(quality).toMatchObject({ features: { length: 4 } });
    const operations = await show(`${path}/operations?${span}`, OperationsView);
    expect(operations).toMatchObject({
      ...{
        predictions: ROWS_PER_DAY,
        kept: ROWS_PER_DAY,
        errors: 0,
        bucketSeconds: 300,
        errorTypes: [],
      },
      versions: [{ version: "1", predictions: ROWS_PER_DAY, buckets: operations.buckets }],
    });
    const { json: self } = await call(running, "GET", "/api/v1/self");
    expect(self).toMatchObject({ service: "analyzer" });
    expect((await call(running, "GET", "/api/v1/models/nobody/drift")).status).toBe(404);
  });

  it("proposes a document from the traffic, with why it guesses so", async () => {
    const { json } = await call(running, "GET", `/api/v1/models/${MODEL}/proposal`);
    const Proposal = z.object({
      document: z.unknown(),
      notes: z.array(z.object({ path: z.array(z.string()), text: z.string() })),
    });
    const { document, notes } = Proposal.parse(json);
    expect(document).toMatchObject({
      metadata: { name: MODEL },
      task: { type: "binary", positive: "1" },
      features: {
        hour: { type: "numeric", period: 24 },
        weekday: { type: "numeric", range: [1, 7], period: 7 },
        place: { type: "categorical" },
      },
      segments: ["client"],
    });
    expect(OnboardingDocument.safeParse(document).success).toBe(true);
    expect(notes.find(({ path }) => path[0] === "task")?.text).toContain('labels are "0" and "1"');
    expect((await call(running, "GET", "/api/v1/models/nobody/proposal")).status).toBe(404);
  });

  it("says what a document would do, by the same rules on the same past, and stores nothing", async () => {
    const wanted = { ...stage.documentGiven, labels: { lateness: "2h" } };
    const path = `/api/v1/models/${MODEL}/preview?past=14d`;
    const before = await call(running, "GET", `/api/v1/models/${MODEL}/performance`);
    const { status, json } = await call(running, "POST", path, wanted, READ_TOKEN);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      refusal: null,
      changes: [{ path: "labels.lateness", from: "0s", to: "2h" }],
      past: { alerts: [{ kind: "data-break", title: alerts[0]?.title }] },
    });
    const { shifts } = z
      .looseObject({ shifts: z.array(z.looseObject({ shift: z.number() })) })
      .parse(json);
    expect(shifts).toHaveLength(4);
    expect(await call(running, "GET", `/api/v1/models/${MODEL}/performance`)).toEqual(before);
    const all = await call(running, "GET", `/api/v1/alerts?model=${MODEL}`);
    expect(listed.parse(all.json).alerts).toHaveLength(1);
    const typo = await call(running, "POST", path, { ...wanted, lables: {} });
    expect(typo).toMatchObject({ status: 400, json: { code: "document_invalid" } });
  });

  it("lays reference and window over each other, of all rows or of the segment asked for", async () => {
    const span = `from=${new Date(at(25)).toISOString()}&to=${new Date(at(26)).toISOString()}`;
    const path = `/api/v1/models/${MODEL}/drift?histograms&${span}`;
    const whole = DriftView.parse((await call(running, "GET", path)).json);
    const drawn = whole.features.filter(({ histogram }) => histogram !== null);
    expect(drawn.map(({ segment }) => segment)).toEqual([null, null, null, null]);
    for (const { histogram, rows } of drawn) {
      const { cells = [], reference = [], current = [] } = histogram ?? {};
      expect([reference.length, current.length]).toEqual([cells.length, cells.length]);
      expect(current.reduce((sum, n) => sum + n, 0)).toBe(rows.current);
      expect(reference.reduce((sum, n) => sum + n, 0)).toBe(rows.reference);
    }
    const one = DriftView.parse((await call(running, "GET", `${path}&segment=client=c1`)).json);
    const distance = one.features.find(({ feature }) => feature === "distance");
    // All of it lies above everything that the reference knows.
    expect(distance?.histogram?.cells.at(-1)).toMatchObject({ to: null });
    expect(distance?.histogram?.current.at(-1)).toBe(distance?.rows.current);
  });

  it("shows the rows behind an alert, and what was changed elsewhere", async () => {
    const id = alerts[0]?.id ?? "";
    const { json } = await call(running, "GET", `/api/v1/alerts/${id}/rows?limit=7`);
    const behind = AlertRowsView.parse(json);
    expect(behind.rows).toHaveLength(7);
    expect(new Set(behind.rows.map(({ tags }) => tags["client"]))).toEqual(new Set(["c1"]));
    expect((await call(running, "GET", `/api/v1/alerts/${id}/rows?limit=0`)).status).toBe(400);
    expect((await call(running, "GET", "/api/v1/alerts/none/rows")).status).toBe(404);
    const changes = await call(running, "GET", `/api/v1/changes?model=${MODEL}`);
    expect(ChangesView.parse(changes.json).changes).toMatchObject([
      { kind: "deploy", title: "c1 4.0", time: new Date(at(25)).toISOString() },
    ]);
    const before = await call(
      running,
      "GET",
      `/api/v1/changes?to=${new Date(at(25)).toISOString()}`,
    );
    expect(before.json).toEqual({ changes: [] });
  });

  it("goes on after a restart, and keeps a released quarantine released", async () => {
    const { json } = await call(running, "GET", "/api/v1/quarantine");
    const { quarantine } = z
      .object({ quarantine: z.array(z.looseObject({ id: z.string() })) })
      .parse(json);
    expect(quarantine).toMatchObject([{ to: null, released: null, tag: "client", values: ["c1"] }]);
    const id = quarantine[0]?.id ?? "";
    const released = await call(running, "POST", `/api/v1/quarantine/${id}/release`, {});
    expect(released.json).toMatchObject({ id, released: expect.any(String) });
    await running.stop();
    running = await startService();
    await announce(at(27));
    const after = await call(running, "GET", "/api/v1/quarantine");
    expect(after.json).toMatchObject({ quarantine: [{ id, released: expect.any(String) }] });
    const { json: list } = await call(running, "GET", `/api/v1/alerts?model=${MODEL}`);
    expect(listed.parse(list).alerts).toHaveLength(1);
  });

  it("judges days again once the document names another label as the positive one", async () => {
    const path = `/api/v1/models/${MODEL}`;
    const dayFigures = async (): Promise<ReadonlyMap<string, number>> => {
      const asked = await call(running, "GET", `${path}/performance?grain=day&scope=all-rows`);
      const { realised } = PerformanceView.parse(asked.json);
      return new Map(
        realised.flatMap(({ from, metrics }) => {
          const value = metrics["calibration"]?.value ?? null;
          return value === null ? [] : [[from, value] as const];
        }),
      );
    };
    const before = await dayFigures();
    const positives = await call(running, "PUT", path, {
      ...stage.documentGiven,
      task: { type: "binary", positive: "0" },
    });
    expect(positives.status).toBe(200);
    await loadDays(stage.store, plan, 27, 28);
    await announce(at(28));
    const after = await dayFigures();
    expect(before.size).toBeGreaterThan(3);
    // Mean score less share of positives: the shares of both labels add up to 1, whatever the scores.
    for (const [day, value] of before) {
      expect([day, Math.abs((after.get(day) ?? value) - value) > 0.1]).toEqual([day, true]);
    }
  });

  it("pages for failing requests at once, while days wait for late labels", async () => {
    const path = `/api/v1/models/${MODEL}`;
    const late = { ...stage.documentGiven, labels: { lateness: "2d" } };
    expect((await call(running, "PUT", path, late)).status).toBe(200);
    const failing: TrafficPlan = {
      ...plan,
      errors: { fromMs: at(28) + 12 * HOUR_MS, toMs: at(29), share: 0.5 },
    };
    await loadDays(stage.store, failing, 28, 29);
    const watermarkMs = at(28) + 14 * HOUR_MS;
    const message = { model: MODEL, clock: "replay", watermarkMs, clockMs: watermarkMs };
    nats.publish(subjects.watermark(MODEL), message);
    await expect
      .poll(async () => (await call(running, "GET", "/api/v1/self")).json, { timeout: 60_000 })
      .toMatchObject({
        models: [{ throughMs: at(28), minutesThroughMs: watermarkMs - 60_000 }],
      });
    const { json } = await call(running, "GET", `/api/v1/alerts?model=${MODEL}&state=firing`);
    const paged = listed.parse(json).alerts.find(({ kind }) => kind === "error-share");
    expect(paged).toMatchObject({ severity: "page", state: "firing" });
  });
});
