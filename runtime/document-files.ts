/**
 * Onboarding documents from files: a file with one or several, or a folder of such files, with the defaults
 * among them merged in. What is wrong is told with file and line and keeps only its own document back.
 */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { type Document, LineCounter, parseAllDocuments } from "yaml";
import {
  DefaultsDocument,
  isDefaults,
  problemsOfDefaults,
  withDefaults,
} from "../contract/document-defaults.ts";
import {
  type DocumentProblem,
  documentInvalid,
  problemLine,
  problemsOf,
} from "../contract/document-problems.ts";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { LIMITS } from "../contract/limits.ts";
import { OnboardingDocument } from "../contract/onboarding-document.ts";

export interface ReadDocument {
  readonly model: string;
  /** "fraud.yaml", or "fraud.yaml:12" where a file has several. */
  readonly from: string;
  /** With the defaults that select it, otherwise as written. */
  readonly given: unknown;
}

export interface DocumentFailure {
  readonly from: string;
  /** The model that the document names; null where it cannot be read. */
  readonly model: string | null;
  readonly error: DriftmendError;
}

export interface ReadDocuments {
  readonly documents: readonly ReadDocument[];
  readonly failures: readonly DocumentFailure[];
}

export interface DocumentFile {
  readonly name: string;
  readonly text: string;
}

/**
 * The files of a folder, hidden ones and sub-folders left out, or the one file.
 * @throws {DriftmendError} document_unreadable
 */
export function readDocumentFiles(path: string): readonly DocumentFile[] {
  try {
    const names = statSync(path).isDirectory() ? readdirSync(path).toSorted() : null;
    if (names === null) return [{ name: path, text: readFileSync(path, "utf8") }];
    const files = names.filter((name) => /^[^.].*\.(?:ya?ml|json)$/.test(name));
    if (files.length > LIMITS.documentFilesMax) {
      throw new Error(`it has ${files.length} files, at most ${LIMITS.documentFilesMax} are read`);
    }
    return files.map((name) => ({ name, text: readFileSync(join(path, name), "utf8") }));
  } catch (cause) {
    throw new DriftmendError("document_unreadable", {
      retry: "later",
      message: `Cannot read "${relative("", path) || path}" as documents: ${cause instanceof Error ? cause.message : String(cause)}`,
      next: "Name a YAML or JSON file, or a folder of them, that may be read.",
      cause,
    });
  }
}

/** Pure: the same files give the same documents. */
export function documentsOf(files: readonly DocumentFile[]): ReadDocuments {
  const found = files.flatMap(documentsInFile);
  const failures: DocumentFailure[] = found.flatMap((one) => one.failure ?? []);
  const defaults: DefaultsDocument[] = [];
  for (const { given, from, positions } of found.filter((one) => isDefaults(one.given))) {
    const parsed = DefaultsDocument.safeParse(given);
    const problems: readonly DocumentProblem[] = parsed.success
      ? problemsOfDefaults(parsed.data)
      : parsed.error.issues;
    if (parsed.success && problems.length === 0) defaults.push(parsed.data);
    else failures.push({ from, model: null, error: invalid(from, problems, positions) });
  }
  const documents: ReadDocument[] = [];
  for (const one of found) {
    if (one.failure !== null || isDefaults(one.given)) continue;
    const { from } = one;
    const given = withDefaults(one.given, defaults);
    const problems = problemsOf(given);
    const parsed = OnboardingDocument.safeParse(given);
    const model = parsed.success ? parsed.data.metadata.name : nameIn(given);
    if (problems.length > 0 || !parsed.success) {
      failures.push({ from, model, error: invalid(from, problems, one.positions) });
    } else if (documents.some((other) => other.model === model)) {
      const first = documents.find((other) => other.model === model)?.from ?? "";
      const problem = { path: ["metadata", "name"], message: `"${model}" stands in ${first} too` };
      failures.push({ from, model: null, error: invalid(from, [problem], one.positions) });
    } else documents.push({ model: parsed.data.metadata.name, from, given });
  }
  return { documents, failures };
}

interface Found {
  readonly from: string;
  readonly given: unknown;
  readonly positions: Positions;
  readonly failure: DocumentFailure | null;
}

/** The line of the deepest key of a path that the file has; null without one. */
type Positions = (path: readonly PropertyKey[]) => number | null;

function documentsInFile({ name, text }: DocumentFile): Found[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines });
  const all = Array.isArray(parsed) ? parsed : [];
  return all
    .filter((document) => document.contents !== null || document.errors.length > 0)
    .map((document) => {
      const at = lines.linePos(document.range[0]).line;
      const from = all.length > 1 ? `${name}:${at}` : name;
      const positions: Positions = (path) => lineOf(document, path, lines);
      const [error] = document.errors;
      if (error === undefined) {
        return { from, given: withoutStatus(document.toJS()), positions, failure: null };
      }
      const why = documentInvalid(from, [error.message], error);
      const failure = { from, model: null, error: why };
      return { from, given: null, positions, failure };
    });
}

/** `model show --json` adds a status, which says nothing of the model. */
function withoutStatus(given: unknown): unknown {
  if (typeof given !== "object" || given === null || !("status" in given)) return given;
  const { status: _, ...rest } = given;
  return rest;
}

function lineOf(
  document: Document,
  path: readonly PropertyKey[],
  lines: LineCounter,
): number | null {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    const range = typeof node === "object" && node !== null && "range" in node ? node.range : null;
    if (Array.isArray(range) && typeof range[0] === "number") return lines.linePos(range[0]).line;
  }
  return null;
}

function invalid(
  from: string,
  problems: readonly DocumentProblem[],
  positions: Positions,
): DriftmendError {
  const lines = problems.map((problem) => {
    const line = positions(problem.path);
    return `${line === null ? "" : `line ${line}: `}${problemLine(problem)}`;
  });
  return documentInvalid(`"${from}"`, lines);
}

function nameIn(given: unknown): string | null {
  const metadata = (given as { metadata?: { name?: unknown } } | null)?.metadata;
  return typeof metadata?.name === "string" ? metadata.name : null;
}
