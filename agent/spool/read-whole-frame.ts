/**
 * Reads a frame back from its segment and checks it: a collector would ask again for ever for one that the
 * disk has changed since it was written.
 */
import { decodeFrame } from "../../contract/frame.ts";
import type { FrameEntry } from "./recover-frames.ts";
import { readFromSegment, type Segment } from "./segment.ts";

type FoundFrame =
  | { readonly kind: "whole"; readonly bytes: Buffer }
  /** Another try finds the same. */
  | { readonly kind: "damaged"; readonly reason: string }
  | { readonly kind: "unreadable"; readonly error: unknown };

export async function readWholeFrame(
  spool: string,
  { seq, bytes: length }: FrameEntry,
  { segment, offset }: { readonly segment: Segment; readonly offset: number },
): Promise<FoundFrame> {
  try {
    const bytes = await readFromSegment(segment, offset, length);
    const frame = decodeFrame(bytes);
    if (frame.kind === "bad") return { kind: "damaged", reason: frame.reason };
    const { header } = frame;
    if (header.spool === spool && header.seq === seq) return { kind: "whole", bytes };
    return { kind: "damaged", reason: `frame ${header.seq} of spool ${header.spool} is there` };
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && error.code === "ENOENT";
    return isGone ? { kind: "damaged", reason: "its file is gone" } : { kind: "unreadable", error };
  }
}
