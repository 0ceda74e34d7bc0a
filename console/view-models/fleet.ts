/** The list of models as it is looked at: what is wrong first, then by name; counted and searched. */
import type { ModelView } from "../../contract/views.ts";

const ORDER: Readonly<Record<ModelView["state"], number>> = { page: 0, ticket: 1, info: 2, ok: 3 };

export function orderModels(models: readonly ModelView[], search: string): readonly ModelView[] {
  const wanted = search.trim().toLowerCase();
  return models
    .filter(({ model }) => model.toLowerCase().includes(wanted))
    .sort(
      (a, b) =>
        Number(a.status === "retired") - Number(b.status === "retired") ||
        ORDER[a.state] - ORDER[b.state] ||
        a.model.localeCompare(b.model),
    );
}

/** "3 models: 1 with a page, 2 well". */
export function fleetSummary(models: readonly ModelView[]): string {
  const count = (state: ModelView["state"]): number =>
    models.filter((model) => model.state === state).length;
  const parts = [
    [count("page"), "with a page"],
    [count("ticket"), "with a ticket"],
    [count("info"), "with a note"],
    [count("ok"), "without alerts"],
  ] as const;
  const told = parts.filter(([n]) => n > 0).map(([n, text]) => `${n} ${text}`);
  return `${models.length} ${models.length === 1 ? "model" : "models"}: ${told.join(", ")}`;
}
