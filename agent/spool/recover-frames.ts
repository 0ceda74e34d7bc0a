/**
 * Reads a spool's segments after a start. What follows the last whole request at the very end was never
 * answered and is cut off; damage before that keeps its place with empty frames, since a collector takes
 * frames only in order, and is said loudly.
 */
import { truncate, unlink } from "node:fs/promises";
import { type DecodedFrame, decodeFrameAt, type FrameHeader } from "../../contract/frame.ts";
import type { Logger } from "../../runtime/logger.ts";
import { readSegment, type Segment } from "./segment.ts";

export interface FrameEntry {
  readonly seq: number;
  readonly acceptedMs: number;
  /** Null for a frame that was lost to damage: an empty one stands for it. */
  readonly place: { readonly segment: Segment; readonly offset: number } | null;
  readonly bytes: number;
  readonly models: readonly string[];
  readonly digests: readonly string[];
  readonly clocks: FrameHeader["clocks"];
  readonly continues: boolean;
}

export interface Recovered {
  readonly frames: FrameEntry[];
  readonly segments: Segment[];
  readonly damagedFrames: number;
  readonly truncatedBytes: number;
}

const MAGIC = Buffer.from("DMF1");

export async function recoverFrames(
  spool: string,
  segments: readonly Segment[],
  firstSeqMin: number,
  deps: { logger: Logger },
): Promise<Recovered> {
  const frames: FrameEntry[] = [];
  let damagedFrames = 0;
  let nextSeq = Math.max(segments[0]?.firstSeq ?? firstSeqMin, 1);
  for (const segment of segments) {
    const bytes = await readSegment(segment);
    segment.bytes = bytes.length;
    for (let offset = 0; offset < bytes.length; ) {
      const found = frameFrom(bytes, offset, spool, nextSeq);
      if (found === null) break;
      for (; nextSeq < found.frame.header.seq; nextSeq++) {
        frames.push(emptyEntry(nextSeq, found.frame.header.acceptedMs));
        damagedFrames++;
      }
      frames.push(entryOf(found.frame, segment, found.offset));
      nextSeq++;
      offset = found.offset + found.frame.frameBytes;
    }
  }
  const truncatedBytes = await cutTail(frames, segments, deps.logger);
  if (damagedFrames > 0) {
    deps.logger.error(
      { damagedFrames, spool },
      "frames in the middle of the spool are damaged and lost; the disk should be checked",
    );
  }
  const kept = segments.filter(({ bytes }) => bytes > 0);
  return { frames, segments: kept, damagedFrames, truncatedBytes };
}

/** The next whole frame of this spool from `offset` on whose seq is not behind `nextSeq`. */
function frameFrom(
  bytes: Buffer,
  offset: number,
  spool: string,
  nextSeq: number,
): { frame: Extract<DecodedFrame, { kind: "frame" }>; offset: number } | null {
  for (let at = offset; at !== -1; at = bytes.indexOf(MAGIC, at + 1)) {
    const frame = decodeFrameAt(bytes, at);
    if (frame.kind === "frame" && frame.header.spool === spool && frame.header.seq >= nextSeq) {
      return { frame, offset: at };
    }
  }
  return null;
}

function entryOf(
  { header, frameBytes }: Extract<DecodedFrame, { kind: "frame" }>,
  segment: Segment,
  offset: number,
): FrameEntry {
  return {
    seq: header.seq,
    acceptedMs: header.acceptedMs,
    place: { segment, offset },
    bytes: frameBytes,
    models: modelsOf(header),
    digests: header.digests,
    clocks: header.clocks,
    continues: header.continues === true,
  };
}

function emptyEntry(seq: number, acceptedMs: number): FrameEntry {
  const none = { models: [], digests: [], clocks: [], continues: false };
  return { seq, acceptedMs, place: null, bytes: 0, ...none };
}

export function modelsOf(header: Pick<FrameHeader, "sections" | "clocks">): string[] {
  const models = new Set(header.clocks.map(({ model }) => model));
  for (const section of header.sections) {
    for (const model of Object.keys(section.models)) models.add(model);
  }
  return [...models];
}

/** Drops frames of an unfinished request from the end, and cuts the files behind the last frame that stays. */
async function cutTail(
  frames: FrameEntry[],
  segments: readonly Segment[],
  logger: Logger,
): Promise<number> {
  while (frames.at(-1)?.continues === true) frames.pop();
  const last = frames.findLast(({ place }) => place !== null);
  let cut = 0;
  for (const segment of segments) {
    const isBehind = last === undefined || segment.firstSeq > (last.place?.segment.firstSeq ?? 0);
    const isLast = last?.place?.segment === segment;
    const end = isLast ? (last.place?.offset ?? 0) + last.bytes : isBehind ? 0 : segment.bytes;
    if (end < segment.bytes) {
      cut += segment.bytes - end;
      logger.warn(
        { path: segment.path, atByte: end, bytes: segment.bytes - end },
        "the spool ended in a frame that was never answered; it was cut off",
      );
      if (end > 0) await truncate(segment.path, end);
    }
    segment.bytes = end;
    if (end === 0) await unlink(segment.path);
  }
  return cut;
}

/** Entries from seq `from` up to before `end`; what is missing is given as lost. */
export function fillGaps(
  frames: readonly FrameEntry[],
  from: number,
  end: number,
  nowMs: number,
): FrameEntry[] {
  const bySeq = new Map(frames.map((frame) => [frame.seq, frame]));
  return Array.from({ length: end - from }, (_, i) => {
    return bySeq.get(from + i) ?? emptyEntry(from + i, nowMs);
  });
}
