/** The same frames under another spool's name, numbered from 1, in a folder of their own. */
import { mkdir, rm } from "node:fs/promises";
import { decodeFrame, encodeFrame, type FrameHeader } from "../../contract/frame.ts";
import { type FrameEntry, modelsOf } from "./recover-frames.ts";
import { type Segment, SegmentWriter } from "./segment.ts";

export async function renumberFrames(
  spool: string,
  folder: string,
  seqs: readonly number[],
  read: (seq: number) => Promise<Buffer | null>,
): Promise<{ segments: Segment[]; frames: FrameEntry[] }> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  if (seqs.length === 0) return { segments: [], frames: [] };
  const writer = await SegmentWriter.create(folder, 1);
  const entries: FrameEntry[] = [];
  try {
    for (const seq of seqs) {
      const bytes = await read(seq);
      const frame = decodeFrame(bytes ?? Buffer.alloc(0));
      if (frame.kind === "bad") continue;
      const header: FrameHeader = { ...frame.header, spool, seq: entries.length + 1 };
      const renumbered = encodeFrame(
        header,
        frame.sections.map(({ payload }) => payload),
      );
      const offset = writer.segment.bytes;
      await writer.append([renumbered]);
      entries.push({
        seq: header.seq,
        acceptedMs: header.acceptedMs,
        place: { segment: writer.segment, offset },
        bytes: renumbered.length,
        models: modelsOf(header),
        digests: header.digests,
        clocks: header.clocks,
        continues: header.continues === true,
      });
    }
  } finally {
    await writer.close();
  }
  return { segments: [writer.segment], frames: entries };
}
