import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import { RecordEncoder } from "../../agent/in-process/record-encoder.ts";
import { openRecorder } from "../../agent/in-process/recorder.ts";
import { startAgentProcess, temporaryFolder, until } from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";
import { decodeRequest } from "./otlp-schema.ts";

const Any = z.looseObject({
  stringValue: z.string().optional(),
  doubleValue: z.union([z.number(), z.string()]).optional(),
  kvlistValue: z
    .object({
      values: z.array(z.object({ key: z.string(), value: z.looseObject({}) })).prefault([]),
    })
    .optional(),
});
const Request = z.object({
  resourceLogs: z.array(
    z.object({
      scopeLogs: z.array(
        z.object({
          logRecords: z.array(
            z.object({
              timeUnixNano: z.string().prefault("0"),
              attributes: z.array(z.object({ key: z.string(), value: Any })),
            }),
          ),
        }),
      ),
    }),
  ),
});

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

const prediction = (id: string) => ({
  ...{ model: "fraud", version: "3", id, score: 0.25 },
  features: { amount: 12.5, country: "de" },
});

it("what is recorded is in the agent's spool once the recorder is closed", async () => {
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  const agent = await startAgentProcess(folder.path);
  cleanups.push(() => agent.kill());
  const recorder = openRecorder({ url: agent.url });
  const changed = { ...prediction("p-0"), features: { amount: 1 } };
  recorder.record(changed);
  changed.features.amount = 99;
  for (let i = 1; i < 1_200; i++) recorder.record(prediction(`p-${i}`));
  await recorder.close();
  expect(recorder.dropped).toBe(0);
  expect(spooledRows(folder.path, "predictions", "p-0")).toMatchObject([{ num: [["amount", 1]] }]);
  expect(spooledRows(folder.path, "predictions", "p-1199")).toMatchObject([
    { model: "fraud", version: "3", score: 0.25, cat: [["country", "de"]] },
  ]);
  expect((await agent.self()).totals["records.prediction"]).toBe(1_200);
});

it("sends again what nobody took, and counts what had no room or was set aside", async () => {
  const bodies: number[] = [];
  let refusals = 1;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      if (refusals-- > 0) {
        response.writeHead(503, { "retry-after": "0" }).end();
        return;
      }
      bodies.push(1);
      // Partial success: three were rejected.
      response.end(Buffer.from([0x0a, 2, 0x08, 3]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const recorder = openRecorder({ url: `http://127.0.0.1:${port}`, waitingMax: 400 });
  for (let i = 0; i < 10; i++) recorder.record(prediction(`p-${i}`));
  const withoutRoom = recorder.dropped;
  expect(withoutRoom).toBeGreaterThan(5);
  recorder.record({ ...prediction("odd"), time: "yesterday" });
  await until(() => bodies.length === 1, "the batch is taken at the second try");
  await recorder.close();
  expect(recorder.dropped).toBe(withoutRoom + 1 + 3);
});

it("whatever is recorded is what protobufjs reads", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
  const value = fc.oneof(
    fc.double(),
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc.boolean(),
  );
  // Few models with few keys, so that shapes come again, and change.
  const again = fc.record(
    Object.fromEntries(["a", "b", "é", "d"].map((key) => [key, fc.oneof(value, fc.double())])),
    { requiredKeys: ["b"] },
  );
  const wide = fc
    .array(fc.oneof({ weight: 9, arbitrary: fc.double() }, value, fc.constant(null)), {
      ...{ minLength: 80, maxLength: 80 },
    })
    .map((values) => Object.fromEntries(values.map((one, i) => [`wide_${i}`, one])));
  const some = fc.record({
    model: fc.oneof(name, fc.constantFrom("m", "n")),
    id: name,
    features: fc.oneof(fc.dictionary(name, value, { maxKeys: 30 }), again, wide),
    score: fc.option(fc.double(), { nil: undefined }),
    time: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  });
  const encoder = new RecordEncoder(64);
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 8 }), (predictions) => {
      for (const one of predictions) expect(encoder.add(one as never, one.time)).toBe(true);
      const request = Request.parse(decodeRequest("logs", encoder.take()));
      const records = request.resourceLogs[0]?.scopeLogs[0]?.logRecords ?? [];
      expect(records.map(({ timeUnixNano }) => timeUnixNano)).toEqual(
        predictions.map(({ time }) => String(BigInt(time) * 1_000_000n)),
      );
      const read = records.map(({ attributes }) => {
        const map = new Map(attributes.map(({ key, value: any }) => [key, any]));
        const features = map.get("ml.features")?.kvlistValue?.values ?? [];
        return {
          model: map.get("ml.model.name")?.stringValue,
          id: map.get("ml.prediction.id")?.stringValue,
          score: map.get("ml.prediction.score")?.doubleValue,
          features: features.map(({ key, value: any }) => [key, Object.values(any)[0]]),
        };
      });
      // JSON of protobuf writes what is not finite as text.
      const told = (number: number): number | string =>
        Number.isFinite(number) ? number : String(number);
      expect(read).toEqual(
        predictions.map(({ model, id, score, features }) => ({
          ...{ model: model.toWellFormed(), id: id.toWellFormed() },
          score: score === undefined ? undefined : told(score),
          features: Object.entries(features)
            .filter(([, one]) => one !== null)
            .map(([key, one]) => [
              key.toWellFormed(),
              typeof one === "number"
                ? told(one)
                : typeof one === "string"
                  ? one.toWellFormed()
                  : one,
            ]),
        })),
      );
    }),
  );
});

it("a feature that is null for once, or for good, is left out, and the others stand where they stood", () => {
  const encoder = new RecordEncoder(64);
  const shapes = [
    { a: 1, b: 2, c: "x" },
    { a: 3, b: 4, c: "y" },
    { a: 5, b: null, c: "x" },
    { a: 6, b: 7, c: null },
    { a: 8, b: null, c: null },
    { a: 9, b: null, c: null },
    { a: 10, b: 11 },
    { a: 12, b: 13, c: "x", d: 14 },
  ];
  for (const features of shapes) encoder.add({ model: "m", id: "1", features }, 1);
  const request = Request.parse(decodeRequest("logs", encoder.take()));
  const read = request.resourceLogs[0]?.scopeLogs[0]?.logRecords.map(({ attributes }) => {
    const list = attributes.find(({ key }) => key === "ml.features")?.value.kvlistValue?.values;
    return list?.map(({ key, value }) => [key, Object.values(value)[0]]);
  });
  expect(read).toEqual(
    shapes.map((features) => Object.entries(features).filter(([, value]) => value !== null)),
  );
});

it("drops a record with a value of no kind, and writes the next one", () => {
  const recorder = openRecorder({ url: "http://127.0.0.1:1" });
  recorder.record({ model: "m", id: "1", features: { list: [1, 2] as never } });
  recorder.record({ model: "m", id: 2 as never });
  recorder.record({ model: "m", id: "3" });
  expect(recorder.dropped).toBe(2);
});

it("a time that cannot be written leaves nothing behind for the next one", () => {
  const encoder = new RecordEncoder(64);
  const micros = 1_700_000_000_000_000;
  const added = [1_700_000_000_000, micros, micros].map((time) =>
    encoder.add({ model: "m", id: "1" }, time),
  );
  expect(added).toEqual([true, false, false]);
});

it("ends a program that awaits its close, though there is no agent", () => {
  const url = new URL("../../agent/in-process/recorder.ts", import.meta.url).href;
  const program = `import { openRecorder } from ${JSON.stringify(url)};
    const recorder = openRecorder({ url: "http://127.0.0.1:1" });
    recorder.record({ model: "m", id: "1" });
    await recorder.close(300);
    process.stdout.write("closed");`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  expect([status, stdout]).toEqual([0, "closed"]);
});

it("gives up in time where there is no agent", async () => {
  const recorder = openRecorder({ url: "http://127.0.0.1:1" });
  recorder.record(prediction("lost"));
  await recorder.close(100);
  expect(recorder.dropped).toBe(0);
});
