/** The two arms of a canary from the store, hour by hour. */
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Store } from "../../store/client.ts";
import { canaryLosses, canaryTraffic } from "../../store/queries/canary-arms.ts";
import { exclusionsOf } from "../dataset/exclusions.ts";
import { type QuarantineEntry, entriesWithin } from "../policy/quarantine.ts";
import type { ArmHour, CanaryArms } from "./canary.ts";

export async function loadArms(
  request: {
    readonly document: OnboardingDocument;
    readonly champion: string;
    readonly challenger: string;
    readonly fromMs: number;
    readonly toMs: number;
    readonly knownMs: number;
    readonly quarantine: readonly QuarantineEntry[];
  },
  store: Store,
): Promise<CanaryArms> {
  const { document, champion, challenger, fromMs, toMs, knownMs } = request;
  const span = {
    model: document.metadata.name,
    fromMs,
    toMs,
    versions: [champion, challenger],
  };
  const [traffic, losses] = await Promise.all([
    store.query(canaryTraffic, span),
    store.query(canaryLosses, {
      ...span,
      knownMs,
      positive: document.task.positive ?? "1",
      ...exclusionsOf(entriesWithin(request.quarantine, fromMs, toMs)),
    }),
  ]);
  const armOf = (version: string): ArmHour[] =>
    traffic
      .filter((row) => row.version === version)
      .map((row) => {
        const labelled = losses.find(
          (loss) => loss.version === version && loss.hourMs === row.hourMs,
        );
        return { ...row, labelled: labelled?.n ?? 0, loss: labelled?.loss ?? 0 };
      });
  return { champion: armOf(champion), challenger: armOf(challenger) };
}
