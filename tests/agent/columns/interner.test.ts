/** Texts by their bytes: same text, same number, whatever the hint and however often all was forgotten. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Interner } from "../../../agent/columns/interner.ts";
import { PINNED_TEXTS } from "../../../agent/otlp/vocabulary.ts";

function sourceOf(text: string) {
  const bytes = Buffer.from(`..${text}..`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { source: { bytes, view }, length: bytes.length - 4 };
}

it("gives the same number to the same text only, by bytes and by text", () => {
  const interner = new Interner(PINNED_TEXTS);
  const text = fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
    fc.constantFrom(...PINNED_TEXTS, "a", "ab", "abc", "abcd", "abcde"),
    fc.nat(20_000).map(String),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.integer()), { maxLength: 400 }), fc.nat(9), (all, n) => {
      if (n === 0) interner.reset();
      for (const [wanted, hint] of all) {
        const { source, length } = sourceOf(wanted);
        const entry = interner.entryOf(source, 2, length, hint < 0 ? 0 : hint % 100);
        const id = interner.idOfEntry(entry);
        expect(interner.textOf(id)).toBe(wanted);
        expect(interner.idOfText(wanted)).toBe(id);
        expect(interner.entryOf(source, 2, length, entry)).toBe(entry);
      }
    }),
    { numRuns: 300 },
  );
});

it("gives pinned texts the numbers from 1, also after forgetting", () => {
  const interner = new Interner(PINNED_TEXTS);
  interner.idOfText("other");
  interner.reset();
  expect(PINNED_TEXTS.map((text) => interner.idOfText(text))).toEqual(
    PINNED_TEXTS.map((_, i) => i + 1),
  );
});

it("leads malformed UTF-8 to the text that replaces it, under one number", () => {
  const interner = new Interner([]);
  const idOf = (bytes: Buffer): number => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return interner.idOfEntry(interner.entryOf({ bytes, view }, 0, bytes.length, 0));
  };
  const ids = [idOf(Buffer.from([0xff])), idOf(Buffer.from([0xfe])), idOf(Buffer.from("\ufffd"))];
  expect(new Set(ids).size).toBe(1);
});
