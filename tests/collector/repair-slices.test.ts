/** Pieces of a span: they cover it, none is larger than need be. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HourSpan, slicesOf } from "../../collector/repair-slices.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const sideBySide = (pieces: readonly HourSpan[]): boolean =>
  pieces.every((piece, i) => i === 0 || pieces[i - 1]?.to === piece.from);

describe("slicesOf", () => {
  it("leaves a span that fits as it is", () => {
    const span = { model: "m", from: HOUR_MS, to: 3 * HOUR_MS };
    expect(slicesOf(span, new Map([[HOUR_MS, 10]]), 10)).toEqual({
      minutes: [span],
      hours: [span],
      days: [{ model: "m", from: 0, to: DAY_MS }],
    });
  });

  it("covers every span once, in pieces that fit or cannot be cut", () => {
    const hour = fc.integer({ min: 0, max: 60 });
    const counts = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(hour, counts, fc.integer({ min: 1, max: 600 }), (first, rowsOf, rowsMax) => {
        const span = { model: "m", from: first * HOUR_MS, to: (first + rowsOf.length) * HOUR_MS };
        const rows = new Map(rowsOf.map((n, i) => [span.from + i * HOUR_MS, n]));
        const { minutes, hours, days } = slicesOf(span, rows, rowsMax);
        for (const pieces of [minutes, hours]) {
          expect(sideBySide(pieces)).toBe(true);
          expect([pieces[0]?.from, pieces.at(-1)?.to]).toEqual([span.from, span.to]);
        }
        expect(sideBySide(days)).toBe(true);
        expect(days[0]?.from).toBeLessThanOrEqual(span.from);
        expect(days.at(-1)?.to).toBeGreaterThanOrEqual(span.to);
        for (const { from, to } of hours) {
          if (to - from === HOUR_MS) continue;
          const inside = [...rows].filter(([start]) => from <= start && start < to);
          expect(inside.reduce((sum, [, n]) => sum + n, 0)).toBeLessThanOrEqual(rowsMax);
        }
        for (const { from, to } of minutes) {
          const start = Math.floor(from / HOUR_MS) * HOUR_MS;
          const isWhole = to - from >= HOUR_MS;
          // Evenly spread rows fit; one minute is never cut.
          const even = ((rows.get(start) ?? 0) * (to - from)) / HOUR_MS;
          if (!isWhole && to - from > MINUTE_MS) expect(even).toBeLessThanOrEqual(rowsMax);
        }
      }),
    );
  });
});
