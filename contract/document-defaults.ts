/**
 * `kind: Defaults`: what many onboarding documents have in common, for the models that its selector names.
 * Merged before a document is checked: the document beats defaults, later defaults beat earlier ones,
 * lists are taken whole.
 */
import { z } from "zod";
import { type DocumentProblem, problemsOf } from "./document-problems.ts";

export const DefaultsDocument = z.strictObject({
  apiVersion: z.literal("driftmend/v1"),
  kind: z.literal("Defaults"),
  metadata: z.strictObject({ name: z.string().min(1) }).optional(),
  /** All that it names must fit; none: every model. `*` stands for any letters. */
  select: z
    .strictObject({
      name: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
      owner: z.string().optional(),
      task: z.string().optional(),
    })
    .prefault({}),
  /** Any part of an onboarding document. */
  defaults: z.record(z.string(), z.unknown()),
});
export type DefaultsDocument = z.infer<typeof DefaultsDocument>;

export const isDefaults = (given: unknown): boolean =>
  isObject(given) && given["kind"] === "Defaults";

/** Problems of the defaults themselves, looked at over the smallest document. */
export function problemsOfDefaults(defaults: DefaultsDocument): readonly DocumentProblem[] {
  const smallest = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: "any" },
    task: { type: "binary" },
  };
  return problemsOf(merge(smallest, defaults.defaults)).map(({ path, message }) => ({
    path: ["defaults", ...path],
    message,
  }));
}

/** The document with the defaults that its name, owner and task select. */
export function withDefaults(given: unknown, all: readonly DefaultsDocument[]): unknown {
  if (!isObject(given)) return given;
  const selected = all.filter((defaults) => selects(defaults, given));
  return merge(selected.map((one) => one.defaults).reduce(merge, {}), given);
}

function selects({ select }: DefaultsDocument, given: Readonly<Record<string, unknown>>): boolean {
  const metadata = isObject(given["metadata"]) ? given["metadata"] : {};
  const task = isObject(given["task"]) ? given["task"] : {};
  const names = select.name === undefined ? ["*"] : [select.name].flat();
  return (
    names.some((pattern) => fits(metadata["name"], pattern)) &&
    (select.owner === undefined || fits(metadata["owner"], select.owner)) &&
    (select.task === undefined || task["type"] === select.task)
  );
}

function fits(value: unknown, pattern: string): boolean {
  if (typeof value !== "string") return false;
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(value);
}

type Json = Readonly<Record<string, unknown>>;

function merge(below: Json, above: Json): Json {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = below[key];
    merged[key] = isObject(under) && isObject(value) ? merge(under, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
