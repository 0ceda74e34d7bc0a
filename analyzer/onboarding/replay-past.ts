/**
 * The alerts that a document would have raised in the past: the analysis itself walks the stored windows
 * under it, from nothing remembered, on a store that takes no writes.
 */
import { DAY_MS } from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import { advance } from "../advance.ts";
import type { AlertRevision } from "../alerts/alert-book.ts";
import { Evaluation, type ModelContext, type StageDeps } from "../evaluation.ts";
import { EMPTY_MEMORY } from "../memory.ts";

export interface PastAlert {
  readonly id: string;
  readonly kind: string;
  readonly severity: string;
  readonly title: string;
  readonly firedMs: number;
}

export interface Past {
  readonly fromMs: number;
  readonly toMs: number;
  readonly alerts: readonly PastAlert[];
}

export async function replayPast(
  context: ModelContext,
  span: { readonly fromMs: number; readonly toMs: number },
  deps: StageDeps,
): Promise<Past> {
  const evaluation = new Evaluation(context, EMPTY_MEMORY);
  const reading = { ...deps, store: withoutWrites(deps.store) };
  const fromMs = Math.floor(span.fromMs / DAY_MS) * DAY_MS;
  let throughMs = fromMs;
  while (throughMs < span.toMs) {
    throughMs = await advance(evaluation, throughMs, span.toMs, reading);
  }
  return { fromMs, toMs: span.toMs, alerts: firedIn(evaluation.revisions) };
}

/** Each alert once, as it was when it fired. */
function firedIn(revisions: readonly AlertRevision[]): readonly PastAlert[] {
  const fired = new Map<string, PastAlert>();
  for (const { id, state, draft, firedMs } of revisions) {
    if (state !== "firing" || firedMs === null || fired.has(id)) continue;
    const { kind, severity, title } = draft;
    fired.set(id, { id, kind, severity, title, firedMs });
  }
  return [...fired.values()].toSorted((a, b) => a.firedMs - b.firedMs);
}

/** Reads are real, writes are dropped: nothing of a dry run can be found afterwards. */
function withoutWrites(store: Store): Store {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    ...store,
    command: nothing,
    insert: nothing,
    insertNative: nothing,
    insertFile: nothing,
    withDatabase: (database) => withoutWrites(store.withDatabase(database)),
  };
}
