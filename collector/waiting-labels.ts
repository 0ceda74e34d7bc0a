/**
 * Labels that came before their predictions, by model and id: what new predictions are looked up in. Bounded;
 * found again by SQL when a shard is taken (`waitingLabels`), so losing it loses nothing.
 *
 * Labels and predictions that are stored at one moment miss each other unless one looks after the other is
 * there: labels are announced here before their predictions are searched, and predictions look here after
 * they are stored.
 */
import { LIMITS } from "../contract/limits.ts";
import { type RecordIds, idsByModel, modelsOf } from "./record-ids.ts";

export class WaitingLabels {
  private readonly byModel = new Map<string, Set<string>>();
  size = 0;
  /** Forgotten because there were too many: they are joined by nothing until they come again. */
  forgotten = 0;

  /** Labels of groups whose predictions are being searched. */
  private readonly searched = new Set<SearchedLabels>();

  has(model: string): boolean {
    if (this.byModel.has(model)) return true;
    for (const labels of this.searched) if (labels.has(model)) return true;
    return false;
  }

  isWaiting(model: string, id: string): boolean {
    if (this.byModel.get(model)?.has(id) === true) return true;
    for (const labels of this.searched) if (labels.isSearched(model, id)) return true;
    return false;
  }

  /** Announces labels while their predictions are searched; the answer ends that. */
  search(blocks: readonly RecordIds[]): () => void {
    const labels = new SearchedLabels(blocks);
    this.searched.add(labels);
    return () => this.searched.delete(labels);
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

/** Ids become texts only when another shard stores predictions of the same model meanwhile. */
class SearchedLabels {
  private readonly blocks: readonly RecordIds[];
  private readonly models: ReadonlySet<string>;
  private ids: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  constructor(blocks: readonly RecordIds[]) {
    this.blocks = blocks;
    this.models = new Set(modelsOf(blocks));
  }

  has(model: string): boolean {
    return this.models.has(model);
  }

  isSearched(model: string, id: string): boolean {
    if (!this.models.has(model)) return false;
    this.ids ??= idsByModel(this.blocks);
    return this.ids.get(model)?.has(id) === true;
  }
}
