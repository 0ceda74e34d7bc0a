/**
 * Blind agents: a model whose traffic came through agents that all stopped saying that they live. Wall time,
 * since it is about our own processes. An agent that still speaks but has no traffic is not blind.
 */

export const BLIND_AFTER_MS = 60_000;
/** Spools that said nothing for so long are forgotten; their models stay blind until another speaks. */
const SPOOLS_MAX = 10_000;

export type AgentState =
  | { readonly kind: "unknown" }
  | { readonly kind: "seen" }
  | { readonly kind: "blind"; readonly sinceMs: number; readonly spools: number };

interface Spool {
  readonly models: Set<string>;
  heardMs: number;
}

export class AgentHeads {
  private readonly spools = new Map<string, Spool>();

  hear(spool: string, models: readonly string[], nowMs: number): void {
    const known = this.spools.get(spool) ?? { models: new Set(), heardMs: nowMs };
    known.heardMs = nowMs;
    for (const model of models) known.models.add(model);
    this.spools.delete(spool);
    this.spools.set(spool, known);
    const oldest = this.spools.keys().next().value;
    if (this.spools.size > SPOOLS_MAX && oldest !== undefined) this.spools.delete(oldest);
  }

  stateOf(model: string, nowMs: number): AgentState {
    const heard = [...this.spools.values()]
      .filter(({ models }) => models.has(model))
      .map(({ heardMs }) => heardMs);
    if (heard.length === 0) return { kind: "unknown" };
    const newest = Math.max(...heard);
    return nowMs - newest > BLIND_AFTER_MS
      ? { kind: "blind", sinceMs: newest, spools: heard.length }
      : { kind: "seen" };
  }
}
