/** Metrics of delivery: what deploy/prometheus alerts on when alerts do not reach people. */
import type { Counter, Gauge } from "prom-client";
import type { Metrics } from "../../runtime/metrics.ts";
import type { NotificationState } from "./state.ts";

export class NotifyMetrics {
  readonly total: Counter;
  private readonly waiting: Gauge;
  private readonly held: Gauge;
  private readonly oldest: Gauge;
  private readonly up: Gauge;

  constructor(metrics: Metrics) {
    this.total = metrics.counter(
      "notifications_total",
      "Alert changes by kind of channel and how they ended: delivered, given-up, not-told; failed counts attempts",
      ["kind", "how"],
    );
    this.waiting = metrics.gauge(
      "notifications_waiting",
      "Alert changes that a channel was not told yet",
    );
    this.held = metrics.gauge(
      "notifications_held",
      "Alert changes over the budget, for the next digest",
    );
    this.oldest = metrics.gauge(
      "notifications_oldest_timestamp_seconds",
      "Since when the oldest of them waits, in Unix time; 0: none waits",
    );
    this.up = metrics.gauge("channel_up", "Whether a channel took its last message", ["channel"]);
  }

  show({ waiting, held, oldestMs, channels }: NotificationState): void {
    this.waiting.set(waiting);
    this.held.set(held);
    this.oldest.set((oldestMs ?? 0) / 1000);
    this.up.reset();
    // The address of a document's webhook may hold a secret.
    for (const { name, up } of channels) {
      this.up.set({ channel: name.replace(/^(webhook\/https?:\/\/[^/]+).*/, "$1") }, up ? 1 : 0);
    }
  }
}
