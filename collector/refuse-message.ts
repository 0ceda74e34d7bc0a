/** A message of the stream that is no frame: it becomes a dead letter of its own, outside of any group. */
import { LIMITS } from "../contract/limits.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Store } from "../store/client.ts";
import { insertOwnDeadLetters } from "../store/queries/group-data.ts";
import type { CollectorMetrics } from "./collector-metrics.ts";
import { deadLetterBlock } from "./dead-letter-block.ts";
import type { StreamFrame } from "./frame-source.ts";
import { type Ownership, shardMarker } from "./group-store.ts";

export async function refuseMessage(
  deps: { store: Store; clock: Clock; logger: Logger; metrics: CollectorMetrics },
  owner: Ownership,
  message: StreamFrame,
  reason: string,
): Promise<void> {
  deps.logger.warn({ ...owner, streamSeq: message.streamSeq, reason }, "a message is no frame");
  deps.metrics.deadLetters.inc({ reason: "frame_invalid" });
  const block = deadLetterBlock([
    {
      timeMs: deps.clock.nowMs(),
      record: "frame",
      model: "",
      id: "",
      reason: "frame_invalid",
      detail: `message ${message.streamSeq} of the stream is no frame: ${reason}`,
      sample: "",
      rows: 1,
      payload: message.bytes.subarray(0, LIMITS.deadLetterPayloadBytesMax),
      spool: "",
      seq: message.streamSeq,
    },
  ]);
  await deps.store.insertNative(insertOwnDeadLetters, { ...owner, n: 0 }, [block], {
    marker: shardMarker(owner.shard),
  });
}
