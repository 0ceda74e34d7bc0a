/**
 * The frame: what an agent spools and publishes and a collector stores, named by (spool, seq). Its CRC-32
 * covers every byte before it, so a torn or damaged frame is told from a whole one without its sender.
 *
 *   "DMF1" | u32le headerBytes | header (JSON) | section payloads back to back | u32le crc32
 */
import { crc32 } from "node:zlib";
import { z } from "zod";
import { LIMITS } from "./limits.ts";

const MAGIC = 0x31464d44;
const PREFIX_BYTES = 8;
const CRC_BYTES = 4;
/** What the tables count in. */
const ROWS_MAX = 2 ** 32 - 1;

/** An unpaired surrogate is no text: no table can hold it, and the engine reads no JSON that has one. */
const text = z.string().refine((name) => name.isWellFormed(), "it has an unpaired surrogate");

const hex32 = z.string().regex(/^[0-9a-f]{32}$/);

export const FrameSection = z.object({
  table: z.enum(["predictions", "labels", "dead_letters", "server_metrics"]),
  rows: z.int().min(0).max(ROWS_MAX),
  bytes: z.int().min(0),
  /** Smallest and largest event time of the section's rows. */
  fromMs: z.int(),
  toMs: z.int(),
  /** Rows by model. */
  models: z.record(text, z.int().min(0)),
});
export type FrameSection = z.infer<typeof FrameSection>;

/** A model's clock as announced: the time in replay, or back to the wall. */
export const FrameClock = z.object({
  // As the rows of such a model are named; a frame with rows is not refused for it.
  model: z.string().transform((name) => name.toWellFormed()),
  timeMs: z.union([z.int().min(0).max(LIMITS.storedTimeMsMax), z.literal("wall")]),
});
export type FrameClock = z.infer<typeof FrameClock>;

export const FrameHeader = z.object({
  spool: hex32,
  /** Counts from 1. */
  seq: z.int().min(1),
  /** Wall time at which the frame was sealed. */
  acceptedMs: z.int().min(0).max(LIMITS.storedTimeMsMax),
  /** 128-bit digests of the request bodies that the frame holds. */
  digests: z.array(hex32),
  sections: z.array(FrameSection),
  /** In the order of announcement; they count after all sections. */
  clocks: z.array(FrameClock),
  /**
   * True where the next frame belongs to the same request: an agent that was killed while it wrote them
   * keeps either all frames of a request or none. Collectors need not look at it.
   */
  continues: z.literal(true).optional(),
});
export type FrameHeader = z.infer<typeof FrameHeader>;

export type DecodedFrame =
  | {
      readonly kind: "frame";
      readonly header: FrameHeader;
      /** `payload` is one Native block, a view into the frame's bytes. */
      readonly sections: readonly (FrameSection & { readonly payload: Uint8Array })[];
      readonly frameBytes: number;
    }
  | { readonly kind: "bad"; readonly reason: string };

/** The bytes of a frame; `payloads[i]` belongs to `header.sections[i]`, whose `bytes` must be its length. */
export function encodeFrame(
  header: FrameHeader,
  payloads: readonly Uint8Array[],
): Buffer<ArrayBuffer> {
  const headerJson = Buffer.from(JSON.stringify(header));
  const payloadBytes = payloads.reduce((sum, payload) => sum + payload.length, 0);
  const frame = Buffer.allocUnsafeSlow(PREFIX_BYTES + headerJson.length + payloadBytes + CRC_BYTES);
  frame.writeUInt32LE(MAGIC, 0);
  frame.writeUInt32LE(headerJson.length, 4);
  frame.set(headerJson, PREFIX_BYTES);
  let at = PREFIX_BYTES + headerJson.length;
  for (const payload of payloads) {
    frame.set(payload, at);
    at += payload.length;
  }
  frame.writeUInt32LE(crc32(frame.subarray(0, at)), at);
  return frame;
}

/** The one frame that `bytes` are. */
export function decodeFrame(bytes: Uint8Array): DecodedFrame {
  const frame = decodeFrameAt(bytes, 0);
  if (frame.kind === "frame" && frame.frameBytes !== bytes.length) {
    return bad(`${bytes.length - frame.frameBytes} bytes are left over`);
  }
  return frame;
}

/** The frame that begins at `offset`; bytes may follow it, as in a segment of the spool. */
export function decodeFrameAt(bytes: Uint8Array, offset: number): DecodedFrame {
  const rest = Buffer.from(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
  if (rest.length < PREFIX_BYTES + CRC_BYTES) return bad("it ends within the prefix");
  if (rest.readUInt32LE(0) !== MAGIC) return bad('it does not begin with "DMF1"');
  const headerBytes = rest.readUInt32LE(4);
  if (headerBytes > LIMITS.frameHeaderBytesMax) return bad(`a header of ${headerBytes} bytes`);
  const payloadsAt = PREFIX_BYTES + headerBytes;
  if (rest.length < payloadsAt + CRC_BYTES) return bad("it ends within the header");
  const header = parseHeader(rest.toString("utf8", PREFIX_BYTES, payloadsAt));
  if (typeof header === "string") return bad(header);
  const crcAt = payloadsAt + header.sections.reduce((sum, section) => sum + section.bytes, 0);
  if (rest.length < crcAt + CRC_BYTES) return bad("it ends within a section");
  if (crc32(rest.subarray(0, crcAt)) !== rest.readUInt32LE(crcAt)) return bad("its CRC differs");
  let at = payloadsAt;
  const sections = header.sections.map((section) => {
    const payload = rest.subarray(at, at + section.bytes);
    at += section.bytes;
    return { ...section, payload };
  });
  return { kind: "frame", header, sections, frameBytes: crcAt + CRC_BYTES };
}

function parseHeader(json: string): FrameHeader | string {
  try {
    const parsed = FrameHeader.safeParse(JSON.parse(json));
    return parsed.success
      ? parsed.data
      : `its header is not valid: ${z.prettifyError(parsed.error)}`;
  } catch {
    return "its header is not JSON";
  }
}

function bad(reason: string): DecodedFrame {
  return { kind: "bad", reason };
}
