/**
 * Labels that came before their predictions, by model and id: what new predictions are looked up in. Bounded;
 * found again by SQL when a shard is taken (`waitingLabels`), so losing it loses nothing.
 */
import { LIMITS } from "../contract/limits.ts";

export class WaitingLabels {
  private readonly byModel = new Map<string, Set<string>>();
  size = 0;
  /** Forgotten because there were too many: they are joined by nothing until they come again. */
  forgotten = 0;

  has(model: string): boolean {
    return this.byModel.has(model);
  }

  isWaiting(model: string, id: string): boolean {
    return this.byModel.get(model)?.has(id) === true;
  }

  add(model: string, id: string): void {
    let ids = this.byModel.get(model);
    if (ids === undefined) {
      ids = new Set();
      this.byModel.set(model, ids);
    }
    if (ids.has(id)) return;
    ids.add(id);
    this.size++;
    if (this.size > LIMITS.waitingLabelsMax) this.forgetOldest();
  }

  remove(model: string, id: string): void {
    const ids = this.byModel.get(model);
    if (ids?.delete(id) !== true) return;
    this.size--;
    if (ids.size === 0) this.byModel.delete(model);
  }

  /** Sets keep the order of insertion: the first of the largest set goes. */
  private forgetOldest(): void {
    const largest = [...this.byModel].reduce((a, b) => (b[1].size > a[1].size ? b : a));
    const oldest = largest[1].values().next();
    if (oldest.done === true) return;
    this.remove(largest[0], oldest.value);
    this.forgotten++;
  }
}
