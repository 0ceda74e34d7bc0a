/** What a sender hears of a sample and of a rate, from an agent whose settings say so for every model. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { sampleHash } from "../../../agent/sampling/sample-hash.ts";
import {
  type AgentProcess,
  eventLines,
  startAgentProcess,
  temporaryFolder,
} from "../agent-process.ts";
import { spooledRows } from "../capture-harness.ts";

const folder = temporaryFolder();
let agent: AgentProcess;
beforeAll(async () => {
  agent = await startAgentProcess(folder.path, {
    DRIFTMEND_CAPTURE_SAMPLE: "50%",
    DRIFTMEND_CAPTURE_KEEP: "errors",
    DRIFTMEND_CAPTURE_RATE: "2/h",
  });
});
afterAll(async () => {
  await agent.kill();
  folder.remove();
});

const isKept = (id: string): boolean => sampleHash(Buffer.from(id), 0, id.length) < 2 ** 31;
const ids = Array.from({ length: 40 }, (_, i) => `id-${i}`);
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const record = (id: string) => ({
  eventName: "ml.prediction",
  attributes: [text("ml.model.name", "by-otlp"), text("ml.prediction.id", id)],
});

it("a sample is no refusal, a rate is one that must not be sent again", async () => {
  const kept = ids.filter(isKept);
  const lines = await agent.post("/v1/events", eventLines(ids, "by-line"));
  expect(await lines.json()).toMatchObject({
    ...{ accepted: ids.length - kept.length + 2, rejected: kept.length - 2 },
    reasons: { rate_limited: kept.length - 2 },
  });
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: ids.map(record) }] }] });
  const otlp = await agent.post("/v1/logs", body, { "content-type": "application/json" });
  expect(otlp.status).toBe(200);
  expect(await otlp.json()).toMatchObject({
    partialSuccess: {
      rejectedLogRecords: String(kept.length - 2),
      errorMessage: expect.stringMatching(/rate_limited.*of by-otlp; do not send them again/),
    },
  });
  expect((await agent.self()).totals).toMatchObject({
    "records.prediction": 4,
    "records.sampled_out": 2 * (ids.length - kept.length),
    "shed.by-line.rate_limited": kept.length - 2,
    "shed.by-otlp.rate_limited": kept.length - 2,
  });
  expect(
    kept
      .slice(0, 3)
      .map((id) => spooledRows(folder.path, "predictions", id).map((row) => row["weight"])),
  ).toEqual([[2, 2], [2, 2], []]);
});
