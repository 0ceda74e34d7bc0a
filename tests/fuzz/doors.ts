/** All doors: those of this process, and those behind which real processes stand. */
import type { DoorFactory } from "./door.ts";
import { cloudEventsDoor } from "./doors/exchanges.ts";
import { compressedDoor } from "./doors/compressed.ts";
import { documentsDoor } from "./doors/documents.ts";
import { nativeDoor } from "./doors/native.ts";
import { inferMessageDoor } from "./doors/infer-message.ts";
import { agentDoor } from "./wire/agent-door.ts";
import { collectorDoor } from "./wire/collector-door.ts";
import { openaiDoor } from "./doors/openai.ts";
import { eventLinesDoor, labelLinesDoor } from "./doors/lines.ts";
import { otlpJsonDoor } from "./doors/otlp-json.ts";
import { otlpProtobufDoor } from "./doors/otlp-protobuf.ts";

export const DOORS: readonly DoorFactory[] = [
  otlpProtobufDoor,
  otlpJsonDoor,
  eventLinesDoor,
  labelLinesDoor,
  cloudEventsDoor,
  inferMessageDoor,
  openaiDoor,
  nativeDoor,
  compressedDoor,
  documentsDoor,
];

/** With the payloads that each is fed in a run of a million. */
export const PROCESS_DOORS: readonly (readonly [factory: DoorFactory, perMillion: number])[] = [
  [agentDoor, 40_000],
  [collectorDoor, 3_000],
];
