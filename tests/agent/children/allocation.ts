/**
 * Decodes 100 000 prediction records on the protobuf path under a sampling heap profile that counts what
 * was collected again too, and prints what was allocated: run by allocation.test.ts in a process of its own.
 */
import { Session } from "node:inspector";
import { createCapture, NOW_MS } from "../capture-harness.ts";
import { encodeRequest } from "../otlp-schema.ts";

const RECORDS = 500;
const BODIES = 200;

/** "sampled": under a sample, a rate and a size, none of which leaves anything out. */
const settings = { sample: 0.999_999, keep: "errors", rate: "9000000/s", record: "64KiB" };
const capture = createCapture(process.argv[2] === "sampled" ? { m: { capture: settings } } : {});
const bodies = Array.from({ length: 20 }, (_, body) =>
  encodeRequest("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: records(body) }] }] }),
);

/** Reads bodies into columns; blocks are written now and then, as by frames. */
function decode(count: number): void {
  for (let i = 0; i < count; i++) {
    const body = bodies[i % bodies.length] ?? Buffer.alloc(0);
    capture.take(() => capture.reader.read("logs", body));
    if (i % 10 === 9) capture.frame.seal();
  }
}

decode(BODIES);
const session = new Session();
session.connect();
session.post("HeapProfiler.startSampling", {
  samplingInterval: 512,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
});
decode(BODIES);
session.post("HeapProfiler.stopSampling", (_error, { profile }) => {
  const bySite = new Map<string, number>();
  const visit = (node: typeof profile.head): void => {
    const { functionName, url } = node.callFrame;
    const site = `${functionName} ${url.slice(url.lastIndexOf("/") + 1)}`;
    if (url.includes("/agent/") || url.includes("/contract/")) {
      bySite.set(site, (bySite.get(site) ?? 0) + node.selfSize);
    }
    for (const child of node.children) visit(child);
  };
  visit(profile.head);
  const bytes = [...bySite.values()].reduce((sum, size) => sum + size, 0);
  const sites = [...bySite].toSorted((a, b) => b[1] - a[1]).slice(0, 8);
  process.stdout.write(JSON.stringify({ records: RECORDS * BODIES, bytes, sites }));
});

function records(body: number): object[] {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  return Array.from({ length: RECORDS }, (_, i) => {
    const serial = body * RECORDS + i;
    const values = [
      ...Array.from({ length: 16 }, (_, f) => ({
        key: `numeric_${f}`,
        value: { doubleValue: serial / (f + 1) },
      })),
      ...Array.from({ length: 4 }, (_, f) => text(`category_${f}`, `value_${(serial * f) % 50}`)),
      { key: "whole", value: { intValue: serial % 24 } },
    ];
    return {
      timeUnixNano: String(BigInt(NOW_MS + i) * 1_000_000n),
      eventName: "ml.prediction",
      attributes: [
        text("ml.model.name", "m"),
        text("ml.model.version", "7"),
        text("ml.prediction.id", `0123456789abcdef-${serial}`),
        { key: "ml.features", value: { kvlistValue: { values } } },
        { key: "ml.prediction.score", value: { doubleValue: 1 / (serial + 1) } },
        { key: "ml.latency", value: { doubleValue: 0.001 * i } },
        { key: "ml.tags", value: { kvlistValue: { values: [text("country", "DE")] } } },
      ],
    };
  });
}
