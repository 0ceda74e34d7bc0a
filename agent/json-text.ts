/**
 * JSON from outside. A few kilobytes, compressed, can be millions of objects, or lie so deep in each other that
 * whatever walks through them runs out of stack: both are refused before anything is made of them.
 */
import { LIMITS } from "../contract/limits.ts";
import { malformedBody } from "./otlp/wire.ts";

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** @throws {DriftmendError} request_malformed: no JSON, nested too deeply, or too many lists and objects */
export function parseJson(text: string): unknown {
  // An opening and a closing bracket for each level: most bodies are too short to be worth a look.
  if (text.length >= 2 * LIMITS.jsonDepthMax) checkShape(text);
  try {
    return JSON.parse(text);
  } catch {
    throw malformedBody("it is not JSON");
  }
}

/** Undefined for what `parseJson` refuses, where that is an answer. */
export function jsonOrNothing(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function checkShape(text: string): void {
  let depth = 0;
  let containers = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inText) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) inText = false;
    } else if (code === QUOTE) inText = true;
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      containers++;
      if (++depth > LIMITS.jsonDepthMax) throw malformedBody("its JSON is nested too deeply");
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
  }
  if (containers > LIMITS.jsonContainersMax) {
    throw malformedBody("its JSON has too many lists and objects");
  }
}
