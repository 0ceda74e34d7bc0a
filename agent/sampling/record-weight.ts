/** How many predictions a kept one stands for: one over the chance that it was kept. */
import { LIMITS } from "../../contract/limits.ts";

/** Binary digits that are kept of a weight: three decimal ones, and every whole number up to 512 as it is. */
const DIGITS = 9;

/**
 * A weight as it is stored: at least 1, at most `recordWeightMax`, to nine binary digits. Rollups have a row for
 * each weight, and a caller's sampler may think of any number.
 */
export function storedWeight(weight: number): number {
  if (!(weight > 1)) return 1;
  if (weight >= LIMITS.recordWeightMax) return LIMITS.recordWeightMax;
  const step = 2 ** (32 - Math.clz32(weight) - DIGITS);
  return Math.round(weight / step) * step;
}

const [COMMA, SEMICOLON, COLON, EQUALS, SPACE, TAB] = [0x2c, 0x3b, 0x3a, 0x3d, 0x20, 0x09];
const [LETTER_O, LETTER_T, LETTER_H] = [0x6f, 0x74, 0x68];
const THRESHOLD_DIGITS_MAX = 14;

/**
 * What a span's `trace_state` says about the sampling before us: `ot=th:T`, by OpenTelemetry's consistent
 * probability sampling the share T of all traces was rejected, written as up to 14 hexadecimal digits after the
 * point. 1 where it says nothing, or nothing that can be.
 */
export function traceStateWeight(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; ) {
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    const memberEnd = placeOf(COMMA, bytes, at, end);
    const isOurs = bytes[at] === LETTER_O && bytes[at + 1] === LETTER_T && bytes[at + 2] === EQUALS;
    if (isOurs && at + 3 <= memberEnd) return memberWeight(bytes, at + 3, memberEnd);
    at = memberEnd + 1;
  }
  return 1;
}

/** The same of a text. */
export function traceStateTextWeight(text: unknown): number {
  if (typeof text !== "string" || text === "") return 1;
  const bytes = Buffer.from(text);
  return traceStateWeight(bytes, 0, bytes.length);
}

function memberWeight(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const fieldEnd = placeOf(SEMICOLON, bytes, at, end);
    if (bytes[at] === LETTER_T && bytes[at + 1] === LETTER_H && bytes[at + 2] === COLON) {
      return thresholdWeight(bytes, at + 3, fieldEnd);
    }
    at = fieldEnd + 1;
  }
  return 1;
}

function thresholdWeight(bytes: Uint8Array, start: number, end: number): number {
  let last = end;
  while (last > start && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last--;
  if (last === start || last - start > THRESHOLD_DIGITS_MAX) return 1;
  let kept = 1;
  for (let at = start, scale = 1 / 16; at < last; at++, scale /= 16) {
    const digit = hexDigit(bytes[at]!);
    if (digit < 0) return 1;
    kept -= digit * scale;
  }
  return 1 / kept;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}

function placeOf(byte: number, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== byte) at++;
  return at;
}
