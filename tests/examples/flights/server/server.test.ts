/** The model server as a real process: V2 answers, the load call, records for the agent, probes unrecorded. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flightsOnnx } from "../../../../examples/flights/onnx/flights-graph.ts";
import { fittedTo } from "../fitted.ts";
import { syntheticFlights } from "../synthetic-flights.ts";

const folder = await mkdtemp(join(tmpdir(), "flights-server-"));
const exported: Buffer[] = [];
const agent = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    exported.push(Buffer.concat(chunks));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
});
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
  const address = agent.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  for (const [version, seed] of [
    ["1", 1],
    ["2", 2],
  ] as const) {
    await mkdir(join(folder, "flights", version), { recursive: true });
    const tables = fittedTo(syntheticFlights(2_000, [0, 7], seed));
    await writeFile(join(folder, "flights", version, "model.onnx"), flightsOnnx(tables, {}));
  }
  await point([{ version: "1", share: 1 }]);
  const entry = new URL("../../../../examples/flights/server.ts", import.meta.url);
  server = fork(entry, {
    env: {
      ...process.env,
      DRIFTMEND_LOG_LEVEL: "error",
      FLIGHTS_REPOSITORY: folder,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    },
  });
  url = await new Promise<string>((resolve, reject) => {
    server.once("message", (message: { url?: string }) => resolve(message.url ?? ""));
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
});

afterAll(async () => {
  const exit = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  await exit;
  agent.close();
  await rm(folder, { recursive: true, force: true });
});

const point = (versions: { version: string; share: number }[]): Promise<void> =>
  writeFile(
    join(folder, "flights", "serving.json"),
    JSON.stringify({ revision: versions.length, versions }),
  );

const REQUEST = {
  id: "r-1",
  parameters: { "client.version": "5.1" },
  inputs: [
    { name: "hour", shape: [2, 1], datatype: "FP32", data: [7, 23] },
    { name: "day_of_week", shape: [2, 1], datatype: "FP32", data: [1, 7] },
    { name: "distance", shape: [2, 1], datatype: "FP32", data: [300, 2000] },
    { name: "origin", shape: [2, 1], datatype: "BYTES", data: ["ATL", "ZZZ"] },
    { name: "destination", shape: [2, 1], datatype: "BYTES", data: ["BOS", "LAX"] },
  ],
};

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("the example's model server", () => {
  it("answers V2 with the version that the pointer names, and one record per row", async () => {
    const answer = await post("/v2/models/flights/infer", REQUEST);
    expect(answer).toMatchObject({ status: 200, body: { model_version: "1", id: "r-1" } });
    await post("/example/flush", {});
    const sent = Buffer.concat(exported).toString("latin1");
    for (const part of ["ml.prediction", "r-1/0", "r-1/1", "client.version", "ZZZ"]) {
      expect(sent).toContain(part);
    }
  });

  it("records nothing of a probe", async () => {
    exported.length = 0;
    const probe = { ...REQUEST, id: "probe-1" };
    await post("/v2/models/flights/infer", probe, { "x-driftmend-probe": "1" });
    await post("/example/flush", {});
    expect(Buffer.concat(exported).toString("latin1")).not.toContain("probe-1");
  });

  it("serves what the pointer says only after the load call", async () => {
    await point([{ version: "2", share: 1 }]);
    const before = await post("/v2/models/flights/infer", REQUEST);
    expect(before.body["model_version"]).toBe("1");
    expect((await post("/v2/repository/models/flights/load", {})).status).toBe(200);
    const after = await post("/v2/models/flights/infer", REQUEST);
    expect(after.body["model_version"]).toBe("2");
  });

  it("answers 400 to a load of a version that is not there, and keeps serving", async () => {
    await point([{ version: "9", share: 1 }]);
    expect((await post("/v2/repository/models/flights/load", {})).status).toBe(400);
    expect((await post("/v2/models/flights/infer", REQUEST)).body["model_version"]).toBe("2");
  });

  it("records a planted failure as an error and answers 503", async () => {
    exported.length = 0;
    const failing = { ...REQUEST, parameters: { "client.version": "5.1", example_fail: true } };
    expect((await post("/v2/models/flights/infer", failing)).status).toBe(503);
    await post("/example/flush", {});
    expect(Buffer.concat(exported).toString("latin1")).toContain("error.type");
  });

  it("refuses rows of unequal number with 400 and a reason", async () => {
    const [first, ...rest] = REQUEST.inputs;
    const torn = { ...REQUEST, inputs: [{ ...first, shape: [1, 1], data: [7] }, ...rest] };
    const answer = await post("/v2/models/flights/infer", torn);
    expect(answer.status).toBe(400);
    expect(String(answer.body["detail"])).toContain("every input must have 1 rows");
  });
});
