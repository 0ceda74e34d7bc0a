/** What alerts about the service have in common. */
import { DAY_MS, startOfDay, windowEndingAt, windowName } from "../../contract/window.ts";
import type { AlertDraft } from "../alerts/alert-book.ts";

export function serviceDraft(
  kind: "error-share" | "no-traffic",
  endMs: number,
): Omit<AlertDraft, "title" | "text" | "cost" | "causeText" | "certainty" | "numbers"> {
  return {
    kind,
    subject: "",
    severity: "page",
    cause: "unknown",
    where: "all rows",
    loop: "nothing: retraining does not mend a service",
    finding: null,
    windows: [windowName(windowEndingAt("day", startOfDay(endMs - 1) + DAY_MS))],
  };
}
