/** All doors that are fuzzed in this process, by name. */
import type { DoorFactory } from "./door.ts";
import { cloudEventsDoor } from "./doors/exchanges.ts";
import { compressedDoor } from "./doors/compressed.ts";
import { documentsDoor } from "./doors/documents.ts";
import { nativeDoor } from "./doors/native.ts";
import { inferMessageDoor } from "./doors/infer-message.ts";
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
