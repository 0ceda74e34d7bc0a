/** A frame is whole or it is refused: cut anywhere, changed anywhere. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFrame, decodeFrameAt, encodeFrame, type FrameHeader } from "../../contract/frame.ts";

const payload = Buffer.from("a Native block would stand here");
const header: FrameHeader = {
  spool: "00112233445566778899aabbccddeeff",
  seq: 7,
  acceptedMs: 1_000,
  digests: ["f".repeat(32)],
  sections: [
    { table: "predictions", rows: 2, bytes: payload.length, fromMs: 1, toMs: 9, models: { m: 2 } },
    { table: "labels", rows: 0, bytes: 0, fromMs: 0, toMs: 0, models: {} },
  ],
  clocks: [
    { model: "m", timeMs: 5 },
    { model: "m", timeMs: "wall" },
  ],
};
const bytes = encodeFrame(header, [payload, Buffer.alloc(0)]);

describe("a frame", () => {
  it("comes back as it was encoded", () => {
    const frame = decodeFrame(bytes);
    expect(frame).toMatchObject({ kind: "frame", header, frameBytes: bytes.length });
    if (frame.kind === "frame") expect(frame.sections[0]?.payload).toEqual(payload);
  });

  it("is found in the middle of a segment", () => {
    const segment = Buffer.concat([bytes, bytes, Buffer.from("torn")]);
    expect(decodeFrameAt(segment, bytes.length)).toMatchObject({ frameBytes: bytes.length });
    expect(decodeFrameAt(segment, 2 * bytes.length).kind).toBe("bad");
    expect(decodeFrame(segment)).toEqual({
      kind: "bad",
      reason: `${bytes.length + 4} bytes are left over`,
    });
  });

  it("is bad where a model's name has an unpaired surrogate; a clock's name is read as tables hold it", () => {
    const [section] = header.sections;
    if (section === undefined) throw new Error("It has sections");
    const half = { ...section, models: { "\ud800": 2 } };
    expect(decodeFrame(encodeFrame({ ...header, sections: [half] }, [payload]))).toMatchObject({
      kind: "bad",
      reason: expect.stringContaining("Invalid key in record"),
    });
    const clocks = [{ model: "m\ud800", timeMs: 5 }];
    expect(
      decodeFrame(encodeFrame({ ...header, clocks }, [payload, Buffer.alloc(0)])),
    ).toMatchObject({
      header: { clocks: [{ model: "m\ufffd", timeMs: 5 }] },
    });
  });

  it("is bad when it is cut at any byte", () => {
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(decodeFrame(bytes.subarray(0, cut)).kind).toBe("bad");
    }
  });

  it("is bad when any bit of it differs", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        expect(decodeFrame(damaged).kind).toBe("bad");
      }),
      { numRuns: 2000 },
    );
  });
});
