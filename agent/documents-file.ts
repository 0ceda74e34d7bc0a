/**
 * What an agent must know again after a restart, kept beside the spool: what onboarding documents say about capture,
 * and what senders told of their columns.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../runtime/atomic-file.ts";
import { CaptureDocument, type FeatureRules } from "./columns/feature-rules.ts";
import type { ColumnSchemas } from "./mapping/column-schemas.ts";

const Documents = z.array(z.tuple([z.string(), CaptureDocument]));
const FILE = "documents.json";

/** Nothing is known where the file is missing or unreadable: documents come again from the analyzer. */
export async function loadDocuments(folder: string, rules: FeatureRules): Promise<void> {
  const text = await readFile(join(folder, FILE), "utf8").catch(() => "[]");
  let documents: z.output<typeof Documents>;
  try {
    documents = Documents.parse(JSON.parse(text));
  } catch {
    return;
  }
  for (const [model, document] of documents) rules.set(model, document);
}

export async function saveDocuments(folder: string, rules: FeatureRules): Promise<void> {
  await writeFileAtomic(join(folder, FILE), JSON.stringify(rules.all()));
}

const SCHEMAS_FILE = "column-schemas.json";

/** Nothing is known where the file is missing or unreadable: senders tell again, or are set aside until they do. */
export async function loadSchemas(folder: string, schemas: ColumnSchemas): Promise<void> {
  const text = await readFile(join(folder, SCHEMAS_FILE), "utf8").catch(() => "[]");
  let kept: unknown;
  try {
    kept = JSON.parse(text);
  } catch {
    return;
  }
  schemas.load(kept);
}

export async function saveSchemas(folder: string, schemas: ColumnSchemas): Promise<void> {
  await writeFileAtomic(join(folder, SCHEMAS_FILE), JSON.stringify(schemas.all()));
}
