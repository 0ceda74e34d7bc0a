/** Notifications with a clock that the test turns, channels of a text, and a journal that may be reopened. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AlertDraft, AlertRevision } from "../../../../analyzer/alerts/alert-book.ts";
import { NO_CHANNELS, parseChannels } from "../../../../analyzer/channels/channels-file.ts";
import { Notifications } from "../../../../analyzer/notify/notifications.ts";
import { OnboardingDocument } from "../../../../contract/onboarding-document.ts";
import type { Clock } from "../../../../runtime/clock.ts";
import { systemClock } from "../../../../runtime/clock.ts";
import { silentLogger } from "../../../../runtime/logger.ts";
import { createMetrics } from "../../../../runtime/metrics.ts";
import { seededRandom } from "../../../../runtime/random.ts";

export const START_MS = Date.UTC(2026, 5, 1, 12);

export interface NotificationStage extends Disposable {
  notifications: Notifications;
  /** Moves the wall clock on; nothing happens by itself. */
  pass(ms: number): void;
  /** Passes time in steps, ticking at each, as the process would each second. */
  run(ms: number, stepMs?: number): Promise<void>;
  /** Under one document, that of the first one's model. */
  tell(revisions: readonly AlertRevision[], alerts?: object): Promise<void>;
  /** As a crash and a start would. */
  restart(): void;
  unwell: string | null;
  nowMs(): number;
}

export function startNotifications(
  channels = "",
  env: Record<string, string> = {},
): NotificationStage {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-notify-"));
  let nowMs = START_MS;
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  const open = (): Notifications =>
    new Notifications(
      {
        book: channels === "" ? NO_CHANNELS : parseChannels(channels, "channels.yaml", env),
        webhookUrl: undefined,
        webhookSecret: undefined,
        journalPath: join(folder, "notifications.sqlite"),
      },
      {
        ...{ clock, random: seededRandom(1), logger: silentLogger },
        metrics: createMetrics("analyzer"),
        unwell: () => stage.unwell,
      },
    );
  const stage: NotificationStage = {
    notifications: open(),
    unwell: null,
    nowMs: () => nowMs,
    pass: (ms) => {
      nowMs += ms;
    },
    run: async (ms, stepMs = 1_000) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        nowMs += stepMs;
        stage.notifications.tick();
        await stage.notifications.idle();
      }
    },
    tell: (revisions, alerts = {}) =>
      stage.notifications.tell(revisions, documentOf(revisions[0]?.model ?? "", alerts), () =>
        Promise.resolve({ changes: [], checks: [] }),
      ),
    restart: () => {
      stage.notifications.close();
      stage.notifications = open();
    },
    [Symbol.dispose]: () => {
      stage.notifications.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

export const documentGiven = (name: string, alerts: object = {}): object => ({
  ...{ apiVersion: "driftmend/v1", kind: "Model", task: { type: "binary" }, alerts },
  metadata: { name, owner: "risk@bank.example", runbook: "https://wiki.example/fraud" },
});
export const documentOf = (name: string, alerts: object = {}): OnboardingDocument =>
  OnboardingDocument.parse(documentGiven(name, alerts));

const DRAFT: AlertDraft = {
  ...{ kind: "error-share", subject: "", severity: "page", cause: "unknown" },
  title: "2.9 % of the requests fail",
  text: "13 of 443 requests failed in 30 minutes",
  cost: "13 requests got no answer in this span",
  causeText: "the service answers with errors; the model itself may be sound",
  where: "all rows",
  certainty: "exact binomial tail p = 6.5e-4 under the promised rate",
  loop: "nothing: retraining does not mend a service",
  numbers: { rows: 443, errors: 13 },
  finding: null,
  windows: [],
};

/** A change of an alert: `error-share` of `fraud` that fires, unless said otherwise. */
export function change(
  state: "firing" | "resolved",
  options: {
    readonly id?: string;
    readonly model?: string;
    readonly draft?: Partial<AlertDraft>;
  } = {},
): AlertRevision {
  const { id = "error-share-1", model = "fraud", draft = {} } = options;
  return {
    ...{ id, model, revision: state === "firing" ? 2 : 3, state, atMs: START_MS },
    ...{ fromMs: START_MS - 600_000, toMs: state === "firing" ? null : START_MS },
    ...{ firedMs: START_MS, draft: { ...DRAFT, ...draft } },
    ...{ replayDigest: "0".repeat(64), notify: true },
  };
}
