/**
 * Whether a document may be put where others hold: a server has one model, and a document from the watched
 * folder is changed there. Pure.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";

/** How the table `models` says that a document came from the watched folder. */
const FOLDER = "folder:";

export const byFile = (name: string): string => `${FOLDER}${name}`;

/** The file of the watched folder that a document came from; null where a person or program put it. */
export const fileOf = (by: string): string | null =>
  by.startsWith(FOLDER) ? by.slice(FOLDER.length) : null;

interface Holding {
  readonly model: string;
  readonly document: OnboardingDocument;
  readonly by: string;
}

/**
 * @param by who puts it
 * @throws {DriftmendError} document_of_folder, models_overlap
 */
export function checkChange(
  model: string,
  document: OnboardingDocument | null,
  by: string,
  holding: readonly Holding[],
): void {
  const own = holding.find((one) => one.model === model);
  const file = own === undefined ? null : fileOf(own.by);
  if (file !== null && fileOf(by) === null) {
    throw new DriftmendError("document_of_folder", {
      retry: "never",
      message: `Cannot change the document of "${model}" here: it comes from "${file}" of the watched folder`,
      next: "Change or remove the file; the analyzer takes it within seconds.",
    });
  }
  if (document === null) return;
  const other = holding.find((one) => one.model !== model && overlap(one.document, document));
  if (other === undefined) return;
  const wanted = JSON.stringify(document.match?.resource);
  throw new DriftmendError("models_overlap", {
    retry: "never",
    message: `Cannot give "${model}" the servers with ${wanted} as a server has one model: "${other.model}" matches ${JSON.stringify(other.document.match?.resource)}`,
    next: "Make one of the two narrower by another attribute of the resource, or let the server send ml.model.name.",
  });
}

/** Could one resource fulfil both? It could unless they ask for different values of one attribute. */
function overlap(a: OnboardingDocument, b: OnboardingDocument): boolean {
  const [left, right] = [a.match?.resource, b.match?.resource];
  if (left === undefined || right === undefined) return false;
  if (Object.keys(left).length === 0 || Object.keys(right).length === 0) return false;
  return Object.entries(left).every(([key, value]) => (right[key] ?? value) === value);
}
