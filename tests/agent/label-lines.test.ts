/** The reader of label lines by bytes against the one that goes through JSON.parse: same rows, same refusals. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readLabelLines } from "../../agent/doors/json-lines.ts";
import { LabelLineReader } from "../../agent/doors/label-lines.ts";
import { rfc3339Ms, timeOf } from "../../agent/event-time.ts";
import { createCapture, NOW_MS } from "./capture-harness.ts";

const byBytes = createCapture();
const reader = new LabelLineReader(byBytes.recorder);
const byText = createCapture();

/** What both make of a body: their rows, or that they refuse the whole request. */
function bothOf(body: Buffer): readonly [unknown, unknown] {
  return [
    taken(byBytes, () => reader.read(body)),
    taken(byText, () => readLabelLines(body.toString("utf8"), byText.recorder)),
  ];
}

function taken(capture: typeof byBytes, read: () => void): unknown {
  try {
    capture.take(read);
  } catch (error) {
    return String(error);
  }
  return { ...capture.rows(), outcome: capture.recorder.outcome };
}

const time = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .date({ min: new Date(NOW_MS - 3e10), max: new Date(NOW_MS), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
  fc.constantFrom(`${NOW_MS}000000`, "2026-01-15T13:00:00+01:00", "2026-01-15", "soon", ""),
  fc.constantFrom("2026-02-30T00:00:00.000Z", "2026-01-15t12:00:00.5z", "1969-12-31T00:00:00.000Z"),
);
const text = fc.oneof(
  fc.constantFrom("late", "on time", "", "m", "1"),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.string({ minLength: 250, maxLength: 300 }),
);
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.constantFrom(0, 1e21, 0.1));
const other = fc.constantFrom<unknown>(null, true, { a: 1 }, [1]);
const anything = fc.oneof(text, number, other);
const usual = fc.record(
  {
    model: fc.constantFrom("m", "flights-late"),
    id: text,
    label: fc.oneof(text, number),
    value: number,
    source: text,
    revision: fc.nat(),
    time,
    prediction_time: time,
    note: fc.oneof(text, number),
  },
  { requiredKeys: ["model", "id", "label"] },
);
const odd = fc.dictionary(
  fc.oneof(
    fc.constantFrom("model", "id", "label", "value", "source", "revision", "time"),
    fc.string({ maxLength: 8 }),
  ),
  anything,
);
const spaced = fc.tuple(
  fc.oneof({ weight: 4, arbitrary: usual }, odd),
  fc.constantFrom("", " ", "\t", "\r"),
);
const line = spaced.map(([object, space]) =>
  JSON.stringify(object).replaceAll(/([{}:,])/g, `${space}$1${space}`),
);
const lines = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: line },
      fc.constantFrom("", " ", "{", "7", '"x"', '{"a":01}', "[]", "\uFEFF"),
    ),
  )
  .map((all) => Buffer.from(all.join("\n")));

describe("label lines by their bytes", () => {
  it("are what JSON.parse makes of them", () => {
    let labels = 0;
    fc.assert(
      fc.property(lines, (body) => {
        const [fast, slow] = bothOf(body);
        expect(fast).toEqual(slow);
        labels += byText.recorder.outcome.labels;
      }),
      { numRuns: 2000 },
    );
    expect(labels).toBeGreaterThan(500);
  });

  it("that a wrong byte got into are refused as JSON.parse refuses them", () => {
    const good = '{"model":"m","id":"a-1","label":"late","time":"2026-01-15T11:00:00.000Z"}';
    const place = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(place, ([at, byte]) => {
        const body = Buffer.from(`${good}\n${good}\n`);
        body[at] = byte;
        const [fast, slow] = bothOf(body);
        expect(fast).toEqual(slow);
      }),
      { numRuns: 3000 },
    );
  });

  it("may be one array", () => {
    const body = Buffer.from(' [{"model":"m","id":"1","label":"x"},{"model":"m"}]');
    const [fast, slow] = bothOf(body);
    expect(fast).toEqual(slow);
    expect(bothOf(Buffer.from("[1"))[0]).toContain("begins like a JSON array and is none");
  });
});

describe("a time in its commonest form", () => {
  it("is what timeOf() says, to the millisecond, in every year", () => {
    const dates = fc.date({
      min: new Date(0),
      max: new Date(Date.UTC(9999, 11)),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(dates, (date) => {
        const bytes = Buffer.from(date.toISOString());
        const ms = rfc3339Ms(bytes, 0, bytes.length);
        if (date.getUTCDate() <= 28) expect(ms).toBe(timeOf(date.toISOString()));
        else expect(ms).toBeNaN();
      }),
      { numRuns: 5000 },
    );
  });
});
