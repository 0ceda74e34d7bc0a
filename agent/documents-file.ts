/** What onboarding documents say about capture, kept beside the spool: an agent that starts alone knows it too. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../runtime/atomic-file.ts";
import { CaptureDocument, type FeatureRules } from "./columns/feature-rules.ts";

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
