/**
 * What is wrong with a document, said to the person who wrote it: where, what, and which key was probably
 * meant. Pure; beside the schema it checks what a schema of single fields cannot see.
 */
import { z } from "zod";
import { DriftmendError } from "./driftmend-error.ts";
import { LIMITS } from "./limits.ts";
import { OnboardingDocument } from "./onboarding-document.ts";
import { readCondition } from "./record-condition.ts";
import { parseThreshold } from "./threshold.ts";

export interface DocumentProblem {
  /** Keys and indices from the top of the document. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

type Path = readonly PropertyKey[];

/** Every problem of what should be an onboarding document; none: it is one. */
export function problemsOf(given: unknown): readonly DocumentProblem[] {
  const parsed = OnboardingDocument.safeParse(given);
  return parsed.success
    ? contradictions(parsed.data)
    : parsed.error.issues.flatMap((issue) => problemsOfIssue(issue, [], given));
}

/** @throws {DriftmendError} document_invalid with every problem at once */
export function parseDocument(given: unknown, from: string): OnboardingDocument {
  const problems = problemsOf(given);
  if (problems.length > 0) throw documentInvalid(from, problems.map(problemLine));
  return OnboardingDocument.parse(given);
}

export const problemLine = ({ path, message }: DocumentProblem): string =>
  path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`;

/** @param from "card-fraud.yaml", "the document of card-fraud" */
export function documentInvalid(
  from: string,
  lines: readonly string[],
  cause?: unknown,
): DriftmendError {
  return new DriftmendError("document_invalid", {
    retry: "never",
    message: `Cannot use ${from} as an onboarding document:\n  ${lines.join("\n  ")}`,
    next: "Correct it and apply it again; nothing was changed. docs/onboarding.md explains every key.",
    cause,
  });
}

function problemsOfIssue(
  issue: z.core.$ZodIssue,
  before: Path,
  given: unknown,
): readonly DocumentProblem[] {
  const path = [...before, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key${meant(key, path)}`,
    }));
  }
  if (issue.code === "invalid_union") {
    // The branch that went furthest is the one that was meant.
    const depth = (issues: readonly z.core.$ZodIssue[]): number =>
      Math.max(0, ...issues.map((one) => one.path.length));
    const [likely] = issue.errors.toSorted(
      (a, b) => depth(b) - depth(a) || Number(isLiteral(a)) - Number(isLiteral(b)),
    );
    if (likely !== undefined && likely.length > 0) {
      return likely.flatMap((one) => problemsOfIssue(one, path, given));
    }
  }
  return [{ path, message: `${issue.message}${whatStands(valueAt(given, path))}` }];
}

const isLiteral = (issues: readonly z.core.$ZodIssue[]): boolean =>
  issues.every(({ code }) => code === "invalid_value");

function whatStands(value: unknown): string {
  return value === undefined || typeof value === "object" ? "" : `: ${JSON.stringify(value)}`;
}

function valueAt(given: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    given,
  );
}

/** ", did you mean "type"?", or where a key of this name belongs. */
function meant(key: string, path: Path): string {
  const here = keysAt(OnboardingDocument, path);
  const near = nearest(key, here);
  if (near !== null) return `, did you mean "${near}"?`;
  const elsewhere = placesOf(key, OnboardingDocument, []);
  if (elsewhere !== null) return `, it belongs under "${elsewhere.join(".")}"`;
  return here.length === 0 ? "" : `, known are ${here.join(", ")}`;
}

/** The schema without what stands around it: defaults, options, conversions. */
function inner(schema: unknown): unknown {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) {
    return inner(schema.def.innerType);
  }
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    return inner(schema.def.innerType);
  }
  return schema instanceof z.ZodPipe ? inner(schema.def.in) : schema;
}

function keysAt(schema: unknown, path: Path): readonly string[] {
  const at = inner(schema);
  if (at instanceof z.ZodUnion) return at.options.flatMap((option) => keysAt(option, path));
  const [head, ...rest] = path;
  if (head === undefined) return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
  if (at instanceof z.ZodObject) return keysAt(at.shape[String(head)], rest);
  if (at instanceof z.ZodRecord) return keysAt(at.def.valueType, rest);
  return at instanceof z.ZodArray ? keysAt(at.def.element, rest) : [];
}

/** The path above a key of this name; null where there is none, or it is a person's own name. */
function placesOf(key: string, schema: unknown, path: readonly string[]): readonly string[] | null {
  const at = inner(schema);
  if (!(at instanceof z.ZodObject)) return null;
  if (path.length > 0 && key in at.shape) return path;
  for (const [name, below] of Object.entries(at.shape)) {
    const found = placesOf(key, below, [...path, name]);
    if (found !== null) return found;
  }
  return null;
}

const LETTERS_WRONG_MAX = 3;

/** The known word that needs the fewest changes, of at most a third of its letters. */
export function nearest(word: string, known: readonly string[]): string | null {
  const within = known
    .map((candidate) => ({ candidate, changes: editDistance(word, candidate) }))
    .filter(
      ({ candidate, changes }) =>
        changes <= Math.min(LETTERS_WRONG_MAX, Math.max(1, Math.floor(candidate.length / 3))),
    )
    .toSorted((a, b) => a.changes - b.changes);
  return within[0]?.candidate ?? null;
}

/** Insertions, deletions, replacements and swapped neighbours (Damerau). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, at(i - 2, j - 2) + 1);
      }
      rows[i]?.push(best);
    }
  }
  return at(a.length, b.length);
}

const PRIMARIES: Readonly<Record<string, readonly string[]>> = {
  binary: ["log_loss", "skill", "brier", "auc", "accuracy"],
  regression: ["mae", "rmse", "skill"],
};

/** What every field allows and all of them together do not. */
function contradictions(document: OnboardingDocument): readonly DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  const { task, quality } = document;
  for (const [feature, { type, range, period, unit }] of Object.entries(document.features)) {
    const say = (key: string, message: string): void => {
      problems.push({ path: ["features", feature, key], message });
    };
    if (range !== undefined && range[0] >= range[1]) {
      say("range", `the lower end must be below the upper one: [${range.join(", ")}]`);
    }
    if (type === "numeric") continue;
    if (range !== undefined) say("range", `a ${type} feature has no range`);
    if (period !== undefined) say("period", `a ${type} feature has no period`);
    if (unit !== undefined) say("unit", `a ${type} feature has no unit`);
  }
  const allowed = PRIMARIES[task.type];
  if (allowed !== undefined && !allowed.includes(quality.primary)) {
    problems.push({
      path: ["quality", "primary"],
      message: `a ${task.type} model has ${allowed.join(", ")}: "${quality.primary}"`,
    });
  }
  if (task.positive !== undefined && task.type !== "binary") {
    problems.push({
      path: ["task", "positive"],
      message: `only a binary model has one positive label, this is ${task.type}`,
    });
  }
  problems.push(...labelProblems(document));
  document.retrain.when.forEach((trigger, i) => {
    if (!("threshold" in trigger) || parseThreshold(trigger.threshold) !== null) return;
    problems.push({
      path: ["retrain", "when", i, "threshold"],
      message: `expected METRIC (<|>) NUMBER [* baseline] [for N windows]: "${trigger.threshold}"`,
    });
  });
  return problems;
}

function labelProblems({ task, labels }: OnboardingDocument): readonly DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  const isBinary = task.type === "binary";
  if (task.negative !== undefined && !isBinary) {
    problems.push({
      path: ["task", "negative"],
      message: `only a binary model has one negative label, this is ${task.type}`,
    });
  }
  if (task.negative !== undefined && task.negative === (task.positive ?? "1")) {
    problems.push({ path: ["task", "negative"], message: "must differ from the positive label" });
  }
  if (labels.negative_after !== undefined && !isBinary) {
    problems.push({
      path: ["labels", "negative_after"],
      message: `absence says something of a binary model only, this is ${task.type}`,
    });
  }
  if (labels.negative_after === 0) {
    problems.push({ path: ["labels", "negative_after"], message: "must be longer than 0" });
  }
  problems.push(...pullProblems(labels.pull));
  const censored = labels.censored === undefined ? null : readCondition(labels.censored);
  if (censored?.kind === "wrong") {
    problems.push({ path: ["labels", "censored"], message: censored.reason });
  }
  return problems;
}

const PULL_EVERY_MS_MIN = 60_000;

function pullProblems(pull: OnboardingDocument["labels"]["pull"]): readonly DocumentProblem[] {
  if (pull === undefined) return [];
  const problems: DocumentProblem[] = [];
  const say = (key: string, message: string): void => {
    problems.push({ path: ["labels", "pull", key], message });
  };
  if (pull.every < PULL_EVERY_MS_MIN) say("every", "must be at least 1m");
  for (const [key, text] of Object.entries({ sql: pull.sql, file: pull.file })) {
    if (text === undefined) continue;
    if (text.trim() === "") say(key, "must not be empty");
    if (Buffer.byteLength(text) > LIMITS.labelPullStatementBytesMax) {
      say(key, `must have at most ${LIMITS.labelPullStatementBytesMax} bytes`);
    }
  }
  return problems;
}
