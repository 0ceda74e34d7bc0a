/** `driftmend map test`: what a recorded payload becomes, by the functions of the agent's own doors. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { CaptureDocument, FeatureRules } from "../../agent/columns/feature-rules.ts";
import { MappingBook } from "../../agent/mapping/mapping-book.ts";
import { readMappings, shippedMappings } from "../../agent/mapping/read-mappings.ts";
import { type Tried, tryMapping } from "../../agent/mapping/try-mapping.ts";
import { parseDocument } from "../../contract/document-problems.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { Mapping } from "../../contract/mapping.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { renderPairs } from "../table.ts";

const Options = z.object({
  payload: z.string(),
  model: z.string().optional(),
  json: z.boolean().optional(),
});
const IsDocument = z.looseObject({ kind: z.literal("Model") });

/** Exit code 1 where something would be set aside or passed over. */
export function mapTest(context: CommandContext): Promise<number> {
  const options = optionsOf(context, Options);
  const [file] = context.args;
  const rules = new FeatureRules();
  const { own, model } = file === undefined ? { own: [], model: null } : readGiven(file, rules);
  const mappings = new MappingBook({ own, shipped: shippedMappings() }, rules);
  const tried = tryMapping(readPayload(options.payload), {
    ...{ mappings, rules, nowMs: context.clock.nowMs() },
    model: options.model ?? model ?? "",
  });
  if (options.json === true) context.print(JSON.stringify(tried));
  else for (const line of tried.flatMap((one, i) => linesOf(one, i, context))) context.print(line);
  return Promise.resolve(tried.some(({ problems }) => problems.length > 0) ? 1 : 0);
}

/** A file of mappings, or a document, which gives its model too. */
function readGiven(
  file: string,
  rules: FeatureRules,
): { readonly own: readonly Mapping[]; readonly model: string | null } {
  const given = parseYaml(file);
  if (!IsDocument.safeParse(given).success) return { own: readMappings(file), model: null };
  const document = parseDocument(given, `"${file}"`);
  const { name } = document.metadata;
  rules.set(name, CaptureDocument.parse(given));
  return { own: [], model: name };
}

function parseYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw unreadable(file, "a file of mappings or an onboarding document", cause);
  }
}

function readPayload(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw unreadable(file, "a payload of JSON", cause);
  }
}

function unreadable(file: string, what: string, cause: unknown): DriftmendError {
  return new DriftmendError("usage", {
    retry: "never",
    message: `Cannot read "${file}" as ${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
    next: "docs/mapping.md has examples of both files.",
    cause,
  });
}

function linesOf(
  { mapping, kind, record, problems }: Tried,
  index: number,
  context: CommandContext,
): readonly string[] {
  const what = kind === "none" ? "nothing" : kind;
  const by = mapping === null ? "" : `, by the mapping "${mapping}"`;
  return [
    ...(index === 0 ? [] : [""]),
    context.paint("bold", `${index + 1}: ${what}${by}`),
    ...(record === null
      ? []
      : renderPairs(
          Object.entries(record).flatMap(([name, value]) => valueLines(name, value)),
          context,
        )),
    ...problems.map((problem) => context.paint("yellow", `! ${problem}`)),
  ];
}

function valueLines(name: string, value: unknown): readonly (readonly [string, string])[] {
  if (typeof value !== "object" || value === null) return [[name, String(value)]];
  return Object.entries(value).map(
    ([key, inner], i) => [i === 0 ? name : "", `${key} = ${String(inner)}`] as const,
  );
}
