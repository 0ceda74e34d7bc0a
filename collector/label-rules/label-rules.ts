/** What a document says of its model's labels, as the collector carries it out. */
import { negativeLabelOf } from "../../contract/negative-label.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { type RecordCondition, readCondition } from "../../contract/record-condition.ts";

export interface LabelRules {
  /** No label so long after its prediction is `negative`; null: absence says nothing. */
  readonly negativeAfterMs: number | null;
  readonly negative: string;
  /** Predictions whose outcome is never seen, as the document says it and as it is read; null: there are none. */
  readonly censored: { readonly text: string; readonly condition: RecordCondition } | null;
  readonly pull: NonNullable<OnboardingDocument["labels"]["pull"]> | null;
}

export function labelRulesOf({ task, labels }: OnboardingDocument): LabelRules {
  const { negative_after: negativeAfter, censored: text, pull } = labels;
  const read = text === undefined ? null : readCondition(text);
  return {
    negativeAfterMs: negativeAfter ?? null,
    negative: negativeLabelOf(task),
    censored:
      text !== undefined && read?.kind === "condition" ? { text, condition: read.condition } : null,
    pull: pull ?? null,
  };
}
