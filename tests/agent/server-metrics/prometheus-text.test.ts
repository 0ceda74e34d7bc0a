/** The text format: what prom-client writes, what the format's own pages show, and whatever else may come. */
import fc from "fast-check";
import { Counter, Gauge, Histogram, Registry, Summary } from "prom-client";
import { describe, expect, it } from "vitest";
import { pointsOfExposition } from "../../../agent/server-metrics/exposition-points.ts";
import { readExposition } from "../../../agent/server-metrics/prometheus-text.ts";
import { DriftmendError } from "../../../contract/driftmend-error.ts";

const points = (text: string) => pointsOfExposition(readExposition(text), () => true);

describe("Prometheus' text", () => {
  it("is read as the page of the format shows it", () => {
    const { samples, types } =
      readExposition(`# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
`);
    expect(types.get("http_requests_total")).toBe("counter");
    expect(samples.map(({ name, value }) => [name, value])).toEqual([
      ["http_requests_total", 1027],
      ["msdos_file_access_time_seconds", 1.458255915e9],
      ["metric_without_timestamp_and_labels", 12.47],
      ["something_weird", Number.POSITIVE_INFINITY],
    ]);
    expect(samples[1]?.labels.get("path")).toBe("C:\\DIR\\FILE.TXT");
    expect(samples[1]?.labels.get("error")).toBe('Cannot find file:\n"FILE.TXT"');
  });

  it("is read in OpenMetrics too: exemplars are passed over, and what stands after EOF", () => {
    const { samples } = readExposition(`# TYPE foo histogram
foo_bucket{le="0.1"} 8 # {trace_id="abc"} 0.067
foo_bucket{le="+Inf"} 17
foo_count 17
foo_sum 324789.3
# EOF
no sample
`);
    expect(samples.map(({ value }) => value)).toEqual([8, 17, 17, 324789.3]);
  });

  it("has names in quotes where they have other letters", () => {
    const [sample] = readExposition('{"http.requests",code="200"} 3\n').samples;
    expect(sample).toMatchObject({ name: "http.requests", value: 3 });
    expect([...(sample?.labels ?? [])]).toEqual([["code", "200"]]);
  });

  it.each([
    "a b c\n",
    "a{b=c} 1\n",
    'a{b="c" 1\n',
    "9a 1\n",
    "a 0x10\n",
    'a{b="1",b="2"} 1\n',
    "a\n",
  ])("is refused, and not guessed: %j", (text) => {
    expect(() => readExposition(text)).toThrow(DriftmendError);
  });

  it("puts a histogram's lines together, whatever their order", () => {
    const [point] = points(`# TYPE h histogram
h_sum{m="x"} 5
h_bucket{m="x",le="+Inf"} 4
h_bucket{m="x",le="1"} 1
h_count{m="x"} 4
`);
    expect(point).toMatchObject({ name: "h" });
    expect(point?.value).toEqual({
      kind: "histogram",
      buckets: [
        { lower: Number.NEGATIVE_INFINITY, upper: 1, count: 1 },
        { lower: 1, upper: Number.POSITIVE_INFINITY, count: 3 },
      ],
      sum: 5,
      count: 4,
    });
  });

  it("has no histogram where counts fall with their edges", () => {
    expect(
      points('# TYPE h histogram\nh_bucket{le="1"} 5\nh_bucket{le="2"} 4\nh_count 5\n'),
    ).toEqual([]);
  });

  it("comes back from prom-client as it went in", async () => {
    const label = fc.string({ unit: "grapheme", maxLength: 12 });
    const value = fc.double({ min: 0, max: 1e12, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        label,
        value,
        fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { maxLength: 20 }),
        async (text, number, seen) => {
          const registers = [new Registry()];
          const [register] = registers;
          new Counter({ name: "c_total", help: "a\nb \\", labelNames: ["l"], registers }).inc(
            { l: text },
            number,
          );
          new Gauge({ name: "g", help: "h", labelNames: ["l"], registers }).set(
            { l: text },
            1 - number,
          );
          const histogram = new Histogram({
            name: "h",
            help: "h",
            buckets: [0.1, 1, 2],
            registers,
          });
          const summary = new Summary({ name: "s", help: "h", registers });
          for (const one of seen) {
            histogram.observe(one);
            summary.observe(one);
          }
          const found = points((await register?.metrics()) ?? "");
          const by = (name: string) => found.find((point) => point.name === name);
          expect(by("c")?.value).toEqual({ kind: "number", value: number });
          expect(by("c")?.labels.get("l")).toBe(text);
          expect(by("g")?.value).toEqual({ kind: "number", value: 1 - number });
          const held = by("h")?.value;
          expect(held).toMatchObject({ kind: "histogram", count: seen.length });
          if (held?.kind === "histogram") {
            expect(held.buckets.map(({ count }) => count)).toEqual([
              seen.filter((one) => one <= 0.1).length,
              seen.filter((one) => one > 0.1 && one <= 1).length,
              seen.filter((one) => one > 1 && one <= 2).length,
              seen.filter((one) => one > 2).length,
            ]);
          }
          expect(by("s")?.value).toMatchObject({
            kind: "histogram",
            buckets: [],
            count: seen.length,
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it("ends in samples or in one refusal, whatever comes", () => {
    const piece = fc.constantFrom(
      "a",
      "{",
      "}",
      '"',
      "=",
      ",",
      " ",
      "\n",
      "\\",
      "1",
      "#",
      "TYPE",
      "le",
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        try {
          readExposition(pieces.join(""));
        } catch (error) {
          expect(error).toMatchObject({ code: "exposition_invalid" });
        }
      }),
      { numRuns: 500 },
    );
  });
});
