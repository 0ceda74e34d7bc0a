/**
 * Blind agents: a model whose traffic came through agents that all stopped saying that they live. Wall time,
 * since it is about our own processes. An agent that still speaks but has no traffic is not blind, and one
 * that a new agent took the place of, as in a rolling update, is given time until that one has traffic.
 */

export const BLIND_AFTER_MS = 60_000;
/** At most so long after an agent fell silent one that began near then counts as its successor. */
export const REPLACED_MAX_MS = 10 * 60_000;
/** Spools that said nothing for so long are forgotten; their models stay blind until another speaks. */
const SPOOLS_MAX = 10_000;

export type AgentState =
  | { readonly kind: "unknown" }
  | { readonly kind: "seen" }
  /** All are silent, but a successor speaks that had no request of the model yet. */
  | { readonly kind: "replaced"; readonly untilMs: number }
  | { readonly kind: "blind"; readonly sinceMs: number; readonly spools: number };

interface Spool {
  readonly models: Set<string>;
  readonly firstMs: number;
  /** Heard since then without a gap in which it counts as silent. */
  sinceMs: number;
  heardMs: number;
}

export class AgentHeads {
  private readonly spools = new Map<string, Spool>();

  hear(spool: string, models: readonly string[], nowMs: number): void {
    const fresh = { models: new Set<string>(), firstMs: nowMs, sinceMs: nowMs, heardMs: nowMs };
    const known = this.spools.get(spool) ?? fresh;
    if (nowMs - known.heardMs > BLIND_AFTER_MS) known.sinceMs = nowMs;
    known.heardMs = nowMs;
    for (const model of models) known.models.add(model);
    this.spools.delete(spool);
    this.spools.set(spool, known);
    const oldest = this.spools.keys().next().value;
    if (this.spools.size > SPOOLS_MAX && oldest !== undefined) this.spools.delete(oldest);
  }

  stateOf(model: string, nowMs: number): AgentState {
    const carriers = [...this.spools.values()].filter(({ models }) => models.has(model));
    if (carriers.length === 0) return { kind: "unknown" };
    const newest = Math.max(...carriers.map(({ heardMs }) => heardMs));
    if (nowMs - newest <= BLIND_AFTER_MS) return { kind: "seen" };
    const untilMs = newest + REPLACED_MAX_MS;
    if (nowMs <= untilMs && this.hasSuccessor(carriers, newest, nowMs)) {
      return { kind: "replaced", untilMs };
    }
    return { kind: "blind", sinceMs: newest, spools: carriers.length };
  }

  /**
   * Since when requests of the model would have been heard of; null while they would not. Agents that carried
   * none of it yet count where no other is known, as after a start of everything.
   */
  listeningSinceMs(model: string, nowMs: number): number | null {
    const all = [...this.spools.values()];
    const carriers = all.filter(({ models }) => models.has(model));
    const heard = (carriers.length > 0 ? carriers : all).filter(
      ({ heardMs }) => nowMs - heardMs <= BLIND_AFTER_MS,
    );
    return heard.length === 0 ? null : Math.min(...heard.map(({ sinceMs }) => sinceMs));
  }

  /** An agent that began near `silentMs`, lives, and has no traffic yet or some of what they carried. */
  private hasSuccessor(carriers: readonly Spool[], silentMs: number, nowMs: number): boolean {
    return [...this.spools.values()].some(
      ({ models, firstMs, heardMs }) =>
        nowMs - heardMs <= BLIND_AFTER_MS &&
        firstMs >= silentMs - REPLACED_MAX_MS &&
        (models.size === 0 ||
          carriers.some((carrier) => [...models].some((name) => carrier.models.has(name)))),
    );
  }
}
