/** The models that a spool carried in the last hour, bounded, for its head message. */

const HOUR_MS = 3_600_000;
const MODELS_MAX = 10_000;

export class RecentModels {
  private readonly lastMs = new Map<string, number>();

  add(models: readonly string[], nowMs: number): void {
    for (const model of models) {
      this.lastMs.delete(model);
      this.lastMs.set(model, nowMs);
    }
    for (const model of this.lastMs.keys()) {
      if (this.lastMs.size <= MODELS_MAX) break;
      this.lastMs.delete(model);
    }
  }

  since(nowMs: number): string[] {
    for (const [model, lastMs] of this.lastMs) {
      if (lastMs > nowMs - HOUR_MS) break;
      this.lastMs.delete(model);
    }
    return [...this.lastMs.keys()];
  }
}
