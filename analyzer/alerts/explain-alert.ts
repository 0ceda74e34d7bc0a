/**
 * An alert's explanation in the order in which a person needs it (INTERFACES §8): what and since when, cost,
 * cause, where, how sure, what changed elsewhere, what the loop did and will do, commands.
 */
import type { AlertDetail, AlertExplanation, AlertView } from "../../contract/alert.ts";
import { AlertDraft } from "./alert-book.ts";
import { z } from "zod";

/** What a stored alert keeps in its column `detail`. */
export const StoredDraft = AlertDraft.extend({
  firedMs: z.int().nullable(),
  replayDigest: z.string(),
});
export type StoredDraft = z.infer<typeof StoredDraft>;

export interface Surroundings {
  /** Changes made elsewhere shortly before, oldest first. */
  readonly changes: readonly {
    readonly time: number;
    readonly kind: string;
    readonly title: string;
    readonly by: string;
  }[];
  /** What retraining decided last, newest first. */
  readonly checks: readonly {
    readonly at: number;
    readonly decision: string;
    readonly reason: string;
  }[];
  readonly annotations: AlertDetail["annotations"];
  readonly told?: AlertDetail["told"];
}

export function explainAlert(
  view: AlertView,
  draft: StoredDraft,
  around: Surroundings,
): AlertDetail {
  return {
    ...view,
    explanation: explanationOf(view, draft, around),
    numbers: draft.numbers,
    finding: draft.finding,
    windows: draft.windows,
    replayDigest: draft.replayDigest,
    told: around.told ?? [],
    annotations: around.annotations,
  };
}

function explanationOf(
  view: AlertView,
  draft: StoredDraft,
  around: Surroundings,
): AlertExplanation {
  const did = around.checks.map(({ at, decision, reason }) => `${day(at)} ${decision} (${reason})`);
  return {
    what: `${view.title}: ${view.text}`,
    since: view.from,
    cost: draft.cost,
    cause: draft.cause,
    causeText: draft.causeText,
    where: draft.where,
    certainty: draft.certainty,
    changes: around.changes.map(
      ({ time, kind, title, by }) =>
        `${new Date(time).toISOString()} ${kind}: ${title}${by === "" ? "" : ` (${by})`}`,
    ),
    loop: did.length === 0 ? draft.loop : `${draft.loop}; last checks: ${did.join(", ")}`,
    commands: commandsOf(view, draft),
  };
}

function commandsOf(view: AlertView, draft: StoredDraft): string[] {
  // About Driftmend itself there is no loop to pause, and no version to go back to.
  if (view.kind === "self") {
    return [
      "driftmend status",
      "driftmend doctor",
      `driftmend acknowledge ${view.id}`,
      `driftmend silence ${view.id} --for 4h --reason …`,
    ];
  }
  const model = quoted(view.model);
  const release =
    draft.finding === null ? [] : [`driftmend quarantine release ${quoted(draft.subject)}`];
  return [
    `driftmend acknowledge ${view.id}`,
    `driftmend loop pause ${model}`,
    ...release,
    `driftmend rollback ${model}`,
    `driftmend silence ${view.id} --for 4h --reason …`,
    `driftmend rows ${view.id}`,
  ];
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
/** As a shell takes it for one word on one line, whatever is in it: names come from whoever sends records. */
function quoted(name: string): string {
  if (/^\w[\w.-]*$/.test(name)) return name;
  if (!/\p{Cc}/u.test(name)) return `'${name.replaceAll("'", "'\\''")}'`;
  const escaped = name.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll(/\p{Cc}/gu, (character) => {
    return String.raw`\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
  return `$'${escaped}'`;
}
