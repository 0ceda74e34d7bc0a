import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

const MAIN = resolve(import.meta.dirname, "../../cli/main.ts");
const GUIDE = resolve(import.meta.dirname, "../../docs/attach/vllm.md");
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-map-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function mapTest(mapping: string, payload: unknown, ...options: string[]) {
  writeFileSync(join(folder, "mapping.yaml"), mapping);
  writeFileSync(join(folder, "payload.json"), JSON.stringify(payload));
  const args = ["map", "test", "mapping.yaml", "--payload", "payload.json", ...options];
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const DOCUMENT = `
apiVersion: driftmend/v1
kind: Model
metadata: { name: card-fraud }
task: { type: binary, positive: fraud }
map: { from: v2, component: predictor, identity: "header:x-request-id",
       inputs: { input__0: { columns: [amount_eur, mcc, country] } },
       outputs: { output__0: { probabilities: [legit, fraud] } } }
`;
const REQUEST = {
  inputs: [{ name: "input__0", shape: [1, 3], datatype: "BYTES", data: ["12.5", "5411", "de"] }],
};
const RESPONSE = {
  model_version: "4",
  outputs: [{ name: "output__0", shape: [1, 2], datatype: "FP32", data: [0.75, 0.25] }],
};

it("shows what an exchange becomes under a document's map", () => {
  const headers = { "X-Request-Id": "r-1" };
  const payload = { headers, request: REQUEST, response: RESPONSE };
  const { status, stdout } = mapTest(DOCUMENT, payload, "--json");
  expect(JSON.parse(stdout)).toEqual([
    {
      mapping: "card-fraud",
      kind: "prediction",
      record: {
        ...{ model: "card-fraud", version: "4", id: "r-1", score: 0.25 },
        features: { amount_eur: "12.5", mcc: "5411", country: "de" },
        probabilities: { legit: 0.75, fraud: 0.25 },
      },
      problems: [],
    },
  ]);
  expect(status).toBe(0);
});

it("says what would be set aside, and ends with 1", () => {
  const { status, stdout } = mapTest(DOCUMENT, { request: REQUEST });
  expect(status).toBe(1);
  expect(stdout).toContain("set aside as id_missing");
  expect(stdout).toContain("no response is in the payload");
  const narrow = DOCUMENT.replace("[amount_eur, mcc, country]", "[amount_eur]");
  expect(mapTest(narrow, { request: REQUEST }).stdout).toContain(
    'payload_invalid: tensor "input__0" has 3 columns and its mapping names 1',
  );
});

it("pairs CloudEvents, and maps records of OTLP by a file of mappings or by what ships", () => {
  const event = (side: "request" | "response", data: object) => ({
    ...{ specversion: "1.0", id: "e-1", source: "s", inferenceservicename: "other", data },
    type: `org.kubeflow.serving.inference.${side}`,
  });
  const events = [event("response", RESPONSE), event("request", REQUEST)];
  const { stdout } = mapTest(DOCUMENT, events, "--json");
  expect(JSON.parse(stdout)).toMatchObject([{ record: { model: "other", id: "e-1" } }]);

  const own = `
mappings:
  - { name: rank, from: record, when: { name: rank.done }, model: "=ranker", id: request.id }
`;
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const logRecords = [
    { eventName: "rank.done", attributes: [attribute("request.id", "q1")] },
    { eventName: "ml.prediction", attributes: [] },
    { eventName: "other", attributes: [] },
  ];
  const logs = { resourceLogs: [{ scopeLogs: [{ logRecords }] }] };
  expect(JSON.parse(mapTest(own, logs, "--json").stdout)).toMatchObject(
    [
      { mapping: "rank", kind: "prediction", record: { model: "ranker", id: "q1" }, problems: [] },
      { kind: "none", problems: [/our own words/] },
      { kind: "none", problems: [/no mapping asks/] },
    ].map((one) => ({
      ...one,
      problems: one.problems.map((problem) =>
        typeof problem === "string" ? problem : expect.stringMatching(problem),
      ),
    })),
  );
});

it("says where a file of mappings is wrong", () => {
  const { status, stderr } = mapTest("mappings: [{ name: x, from: record, when: {}, id: a }]", {});
  expect(status).toBe(1);
  expect(stderr).toMatch(/mapping_invalid/);
  expect(stderr).toMatch(/mappings\[0\]/);
});

it("tries what ships where it is given no file", () => {
  const [named] = [
    ...readFileSync(GUIDE, "utf8").matchAll(/cat > span\.json <<'EOF'\n(.*?)\nEOF/gs),
  ];
  writeFileSync(join(folder, "span.json"), named?.[1] ?? "");
  const { status, stdout } = spawnSync(
    process.execPath,
    [MAIN, "map", "test", "--payload", "span.json", "--json"],
    { cwd: folder, encoding: "utf8" },
  );
  expect(JSON.parse(stdout)).toMatchObject([
    {
      mapping: "vllm",
      record: { model: "meta-llama/Llama-3.1-8B-Instruct", id: "cmpl-7", latency: 1.9 },
      problems: [],
    },
  ]);
  expect(status).toBe(0);
});
