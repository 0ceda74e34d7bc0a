/** Request loggers on the real process: halves that come apart become one prediction, through crashes too. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type AgentProcess, startAgentProcess, temporaryFolder } from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

async function open(): Promise<{
  agent: AgentProcess;
  folder: string;
  restart(): Promise<AgentProcess>;
}> {
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  let agent = await startAgentProcess(folder.path);
  cleanups.push(() => agent.kill());
  return {
    ...{ agent, folder: folder.path },
    restart: async () => {
      await agent.kill();
      agent = await startAgentProcess(folder.path);
      return agent;
    },
  };
}

const SIDES = {
  request: { inputs: [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }] },
  response: {
    ...{ model_name: "fraud", model_version: "3" },
    outputs: [{ name: "y", shape: [1], datatype: "FP32", data: [0.5] }],
  },
} as const;

const ANSWERED_MS = Date.now();

/** As KServe's logger posts it. */
function kserve(
  agent: AgentProcess,
  id: string,
  side: keyof typeof SIDES,
  change: Readonly<Record<string, string>> = {},
  body = JSON.stringify(SIDES[side]),
): Promise<Response> {
  const at = ANSWERED_MS - (side === "request" ? 250 : 0);
  return agent.post("/", body, {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": id,
    "ce-type": `org.kubeflow.serving.inference.${side}`,
    "ce-source": "http://localhost:9081/",
    "ce-time": new Date(at).toISOString(),
    "ce-inferenceservicename": "fraud",
    "ce-namespace": "risk",
    "ce-component": "predictor",
    "ce-endpoint": "canary",
    ...change,
  });
}

it("pairs both halves in either order, each answered once it is on disk", async () => {
  const { agent, folder } = await open();
  for (const order of [
    ["request", "response"],
    ["response", "request"],
  ] as const) {
    const id = `order-${order[0]}`;
    for (const side of order) expect((await kserve(agent, id, side)).status).toBe(200);
    const [row] = spooledRows(folder, "predictions", id);
    expect(row).toMatchObject({ model: "fraud", version: "3", value: 0.5 });
    expect(row?.["num"]).toEqual([
      ["x[0]", 1],
      ["x[1]", 2],
    ]);
    expect(row?.["tags"]).toEqual([["endpoint", "canary"]]);
    expect(Number(row?.["latency"])).toBeCloseTo(0.25, 6);
  }
  expect((await agent.self()).totals).toMatchObject({ "events.paired": 2, "events.waiting": 2 });
});

it("completes a pair whose first half came before a crash, and counts no pair twice after one", async () => {
  const { agent, folder, restart } = await open();
  await kserve(agent, "before", "request");
  await kserve(agent, "whole", "request");
  await kserve(agent, "whole", "response");
  const again = await restart();
  await kserve(again, "before", "response");
  expect(spooledRows(folder, "predictions", "before")).toHaveLength(1);
  const third = await restart();
  expect(spooledRows(folder, "predictions", "whole")).toHaveLength(1);
  await kserve(third, "whole", "request");
  expect(spooledRows(folder, "predictions", "whole")).toHaveLength(1);
});

it("takes what the predictor says, not what a transformer before it says, and no other events", async () => {
  const { agent, folder } = await open();
  for (const side of ["request", "response"] as const) {
    await kserve(agent, "graph", side, { "ce-component": "transformer" });
  }
  await kserve(agent, "graph", "request", { "ce-type": "io.seldon.serving.feedback" });
  expect(spooledRows(folder, "predictions", "graph")).toEqual([]);
  expect((await agent.self()).totals).toMatchObject({ "events.filtered": 2, "events.other": 1 });
});

it("takes Seldon's halves, which share ce-requestid, and structured events and batches", async () => {
  const { agent, folder } = await open();
  const seldon = (side: "request" | "response") => ({
    ...{ specversion: "1.0", id: `${side}-1`, source: "seldon", requestid: "puid-1" },
    type: `io.seldon.serving.inference.${side}`,
    inferenceservicename: "iris",
    data: { data: { names: ["a", "b"], ndarray: [[1, 2]] } },
  });
  const both = JSON.stringify([seldon("request"), seldon("response")]);
  const type = { "content-type": "application/cloudevents-batch+json" };
  expect((await agent.post("/v1/cloudevents", both, type)).status).toBe(200);
  const [row] = spooledRows(folder, "predictions", "puid-1");
  expect(row?.["num"]).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
});

it("sets a pair aside that cannot be read, and refuses what is no CloudEvent", async () => {
  const { agent, folder } = await open();
  await kserve(agent, "odd", "request");
  const odd = await agent.post("/", "not json", {
    "ce-id": "odd",
    "ce-type": "org.kubeflow.serving.inference.response",
    "ce-inferenceservicename": "fraud",
    "ce-namespace": "risk",
  });
  expect(odd.status).toBe(200);
  expect(spooledRows(folder, "dead_letters", "odd")).toMatchObject([
    { reason: "payload_invalid", model: "fraud", detail: expect.stringMatching(/not JSON/) },
  ]);
  expect((await agent.post("/", "{}")).status).toBe(400);
  expect((await fetch(`${agent.url}/`)).status).not.toBe(405);
});

it("writes nothing of a model that hides features before it is hidden", async () => {
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  const document = { features: { card: { redact: "hash" } } };
  writeFileSync(join(folder.path, "documents.json"), JSON.stringify([["fraud", document]]));
  const agent = await startAgentProcess(folder.path);
  cleanups.push(() => agent.kill());
  const secret = {
    inputs: [{ name: "card", shape: [1], datatype: "BYTES", data: ["4111-secret"] }],
  };
  const send = (side: keyof typeof SIDES) =>
    kserve(agent, "hidden", side, {}, JSON.stringify(side === "request" ? secret : SIDES.response));
  await send("request");
  const bytes = (): string =>
    readdirSync(folder.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
      .join("");
  expect(bytes()).not.toContain("4111-secret");
  await send("response");
  expect(spooledRows(folder.path, "predictions", "hidden")).toMatchObject([
    { cat: [["card", expect.stringMatching(/^[0-9a-f]{16}$/)]] },
  ]);
  expect(bytes()).not.toContain("4111-secret");
});

it("takes many at once, none lost", async () => {
  const { agent, folder } = await open();
  const ids = Array.from({ length: 60 }, (_, i) => `many-${i}`);
  const sends = ids.flatMap((id, i) =>
    (i % 2 === 0 ? (["request", "response"] as const) : (["response", "request"] as const)).map(
      (side) => kserve(agent, id, side),
    ),
  );
  expect((await Promise.all(sends)).every(({ status }) => status === 200)).toBe(true);
  expect(ids.filter((id) => spooledRows(folder, "predictions", id).length !== 1)).toEqual([]);
});
