/**
 * Notifications by webhook: written down before they are sent, sent until they are answered with 2xx, each
 * under an id that never changes, so that a repeat is the receiver's to drop. At most a stated number wait.
 */
import type { Counter } from "prom-client";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Store } from "../../store/client.ts";
import {
  alertActions,
  deliveriesKnown,
  deliveriesWaiting,
} from "../../store/queries/analyzer-state.ts";
import type { AlertRevision } from "./alert-book.ts";
import { type Surroundings, explainAlert } from "./explain-alert.ts";
import { signWebhook } from "./sign-webhook.ts";
import { surroundingsOf } from "./surroundings.ts";

export interface WebhookDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly secret: string | undefined;
  readonly gaveUp: Counter;
}

interface Delivery {
  readonly id: string;
  readonly model: string;
  readonly alertId: string;
  readonly url: string;
  readonly body: string;
  readonly attempts: number;
  readonly dueMs: number;
}

type Outcome =
  | { readonly status: "delivered" | "silenced" }
  | { readonly status: "queued" | "given_up"; readonly error: string };

const FIRST_BACKOFF_MS = 1_000;

export class WebhookDeliveries {
  private readonly waiting = new Map<string, Delivery>();
  private readonly deps: WebhookDeps;

  constructor(deps: WebhookDeps) {
    this.deps = deps;
  }

  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Takes up what was not delivered when the last process stopped. */
  async load(): Promise<void> {
    const rows = await this.deps.store.query(deliveriesWaiting, { limit: LIMITS.webhookQueueMax });
    const dueMs = this.deps.clock.nowMs();
    for (const { id, model, alert_id: alertId, url, body, attempts } of rows) {
      this.waiting.set(id, { id, model, alertId, url, body, attempts, dueMs });
    }
  }

  /** Writes down what is to be told; revisions that were written down before are skipped. */
  async enqueue(url: string, revisions: readonly AlertRevision[]): Promise<void> {
    const wanted = revisions.filter(({ notify }) => notify);
    if (wanted.length === 0) return;
    const ids = wanted.map(webhookId);
    const known = new Set(
      (await this.deps.store.query(deliveriesKnown, { ids })).map(({ id }) => id),
    );
    const now = this.deps.clock.nowMs();
    for (const revision of wanted) {
      const id = webhookId(revision);
      if (known.has(id)) continue;
      const { model, id: alertId } = revision;
      const { fromMs, toMs, atMs } = revision;
      const around = await surroundingsOf({ model, fromMs, toMs: toMs ?? atMs }, this.deps.store);
      const body = JSON.stringify(webhookBody(revision, around, now));
      const delivery = { id, model, alertId, url, body, attempts: 0, dueMs: now };
      const silenced = await this.isSilenced(alertId, now);
      await this.record(
        delivery,
        silenced ? { status: "silenced" } : { status: "queued", error: "" },
      );
      if (!silenced) this.waiting.set(id, delivery);
    }
    await this.dropBeyondMaximum();
  }

  /** Tries everything that is due, once. */
  async deliverDue(): Promise<void> {
    for (const delivery of [...this.waiting.values()]) {
      if (delivery.dueMs <= this.deps.clock.nowMs()) await this.attempt(delivery);
    }
  }

  private async attempt(delivery: Delivery): Promise<void> {
    const attempts = delivery.attempts + 1;
    const error = await this.send(delivery);
    if (error === null) {
      this.waiting.delete(delivery.id);
      await this.record({ ...delivery, attempts }, { status: "delivered" });
      return;
    }
    this.deps.logger.warn(
      { id: delivery.id, url: delivery.url, attempts, error },
      "webhook failed",
    );
    if (attempts >= LIMITS.webhookAttemptsMax) {
      await this.giveUp({ ...delivery, attempts }, error);
      return;
    }
    const backoffMs = Math.min(LIMITS.webhookBackoffMsMax, FIRST_BACKOFF_MS * 4 ** (attempts - 1));
    const next = { ...delivery, attempts, dueMs: this.deps.clock.nowMs() + backoffMs };
    this.waiting.set(delivery.id, next);
    await this.record(next, { status: "queued", error });
  }

  /** Null when the receiver answered 2xx. */
  private async send({ id, url, body }: Delivery): Promise<string | null> {
    const timestampS = Math.floor(this.deps.clock.nowMs() / 1000);
    const { secret } = this.deps;
    const headers = {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(timestampS),
      ...(secret === undefined
        ? {}
        : { "webhook-signature": signWebhook(secret, id, timestampS, body) }),
    };
    try {
      const signal = AbortSignal.timeout(LIMITS.webhookTimeoutMs);
      const response = await fetch(url, {
        method: "POST",
        headers,
        body,
        signal,
        redirect: "error",
      });
      await response.body?.cancel();
      return response.ok ? null : `answered ${response.status}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private async isSilenced(alertId: string, nowMs: number): Promise<boolean> {
    const actions = await this.deps.store.query(alertActions, { ids: [alertId] });
    return actions.some(({ action, until }) => action === "silence" && (until ?? 0) > nowMs);
  }

  private async dropBeyondMaximum(): Promise<void> {
    for (const delivery of [...this.waiting.values()].slice(
      0,
      Math.max(0, this.waiting.size - LIMITS.webhookQueueMax),
    )) {
      await this.giveUp(delivery, `more than ${LIMITS.webhookQueueMax} notifications wait`);
    }
  }

  private async giveUp(delivery: Delivery, error: string): Promise<void> {
    this.waiting.delete(delivery.id);
    this.deps.gaveUp.inc();
    await this.record(delivery, { status: "given_up", error });
  }

  private async record(delivery: Delivery, outcome: Outcome): Promise<void> {
    const { id, model, alertId, url, body, attempts } = delivery;
    const last_error = "error" in outcome ? outcome.error : "";
    const updated = this.deps.clock.nowMs();
    await this.deps.store.insert("webhook_deliveries", [
      {
        ...{ id, model, alert_id: alertId, url, body, status: outcome.status, attempts },
        ...{ last_error, updated, revision: REVISIONS[outcome.status] + attempts },
      },
    ]);
  }
}

/** Final states outrank any number of attempts. */
const REVISIONS: Readonly<Record<Outcome["status"], number>> = {
  queued: 0,
  silenced: 1_000,
  given_up: 1_000,
  delivered: 2_000,
};

export const webhookId = ({ id, revision }: AlertRevision): string => `${id}.${revision}`;

const rfc3339 = (ms: number): string => new Date(ms).toISOString();

/** The alert with the explanation that `driftmend why` gives, in its order (INTERFACES §8). */
function webhookBody(
  revision: AlertRevision,
  around: Pick<Surroundings, "changes" | "checks">,
  nowMs: number,
): object {
  const { draft, id, model, state, atMs, replayDigest, firedMs } = revision;
  const { kind, severity, subject, cause, title, text } = draft;
  const view = {
    ...{ id, model, kind, severity, state, subject, cause, title, text },
    from: rfc3339(revision.fromMs),
    to: revision.toMs === null ? null : rfc3339(revision.toMs),
    fired: firedMs === null ? null : rfc3339(firedMs),
    revision: revision.revision,
    acknowledged: null,
    silenced: null,
  };
  const stored = { ...draft, firedMs, replayDigest };
  const { explanation } = explainAlert(view, stored, { ...around, annotations: [] });
  return {
    type: `alert.${state}`,
    timestamp: rfc3339(nowMs),
    data: {
      ...{ id, model, state, revision: revision.revision, ...draft, explanation, replayDigest },
      ...{ from: view.from, to: view.to, at: rfc3339(atMs) },
    },
  };
}
