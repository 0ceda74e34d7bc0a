/**
 * What people did about alerts while the database was away: it holds at once, by the journal of notifications,
 * and is stored when the database answers again. Kept in memory: a restart keeps what it does, not who did it.
 */
import type { Store } from "../../store/client.ts";
import { alertById } from "../../store/queries/analyzer-state.ts";
import { type AlertAction, storeAlertAction } from "./store-alerts.ts";

interface Late {
  readonly alertId: string;
  readonly action: AlertAction;
  readonly atMs: number;
}

export class LateActions {
  private late: readonly Late[] = [];

  add(late: Late): void {
    this.late = [...this.late, late];
  }

  /** Stores what it can; an alert that is not stored itself yet is waited for. */
  async store(deps: { readonly store: Store }): Promise<void> {
    for (const one of this.late) {
      const [row] = await deps.store.query(alertById, { id: one.alertId });
      if (row === undefined) continue;
      await storeAlertAction(row, one.action, one.atMs, deps);
      this.late = this.late.filter((other) => other !== one);
    }
  }
}
