/**
 * Descriptors of a prompt or an answer: numbers that can drift while the text itself is not kept. A text, or
 * messages in OpenTelemetry's shape, as a value or as JSON.
 */
import { jsonOrNothing } from "../json-text.ts";
import type { PlainValue } from "../plain-record.ts";
import type { AnyPlain } from "./record.ts";

/** More of a text is not looked at. */
const LOOKED_CHARACTERS = 20_000;
/** So many words in a row make a phrase that may be repeated. */
const PHRASE_WORDS = 4;
/** How models decline; the beginning of an answer is looked at. */
const REFUSAL =
  /\b(i(?:'m| am) (?:sorry|unable|not able)|i can(?:'t|not|’t)|i won(?:'t|’t)|as an ai\b|i must decline)/i;
const REFUSAL_CHARACTERS = 300;

/** Features `<name>_characters`, `_repetition` (share of phrases that came before), `_is_json` and `_refusal` (1 or 0). */
export function describeText(
  name: string,
  value: AnyPlain,
): readonly (readonly [string, PlainValue])[] {
  if (value === undefined || value === null) return [];
  const text = textOf(value);
  const looked = text.slice(0, LOOKED_CHARACTERS);
  return [
    [`${name}_characters`, text.length],
    [`${name}_repetition`, repetition(looked)],
    [`${name}_is_json`, isJson(text) ? 1 : 0],
    [`${name}_refusal`, REFUSAL.test(text.slice(0, REFUSAL_CHARACTERS)) ? 1 : 0],
  ];
}

/** The text of messages: of every part that has one. */
function textOf(value: AnyPlain): string {
  if (typeof value === "string") {
    const parsed = /^\s*\[\s*\{/.test(value) ? jsonOrNothing(value) : undefined;
    return Array.isArray(parsed) ? textsIn(parsed).join("\n") : value;
  }
  return textsIn(value).join("\n");
}

function textsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(textsIn);
  const content = field(value, "content");
  if (typeof content === "string") return [content];
  return [content, field(value, "parts")].flatMap((inner) =>
    Array.isArray(inner) ? textsIn(inner) : [],
  );
}

function field(value: unknown, name: string): unknown {
  if (value instanceof Map) return value.get(name);
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function repetition(text: string): number {
  const words = text.split(/\s+/u).filter((word) => word !== "");
  const phrases = words.length - PHRASE_WORDS + 1;
  if (phrases < 1) return 0;
  const seen = new Set<string>();
  for (let i = 0; i < phrases; i++) seen.add(words.slice(i, i + PHRASE_WORDS).join(" "));
  return 1 - seen.size / phrases;
}

function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text) && jsonOrNothing(text) !== undefined;
}
