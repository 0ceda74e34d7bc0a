/** Whether answers prove the shares: only versions that should, each that should, in a plausible number. Pure. */
import { LIMITS } from "../../contract/limits.ts";
import { binomialLowerTail, binomialUpperTail } from "../../stats/index.ts";
import type { VersionShare } from "../journal/run-state.ts";
import { percent } from "../show.ts";
import type { Observation } from "./target.ts";

/** Chance of refusing shares that are right. */
const ALPHA = 1e-6;

export type Proof =
  | { readonly kind: "proven" }
  /** Ask more. */
  | { readonly kind: "open" }
  | { readonly kind: "refuted"; readonly reason: string };

export function proofOf(observation: Observation, shares: readonly VersionShare[]): Proof {
  const { answers, requests } = observation;
  const served = shares.filter(({ share }) => share > 0);
  const foreign = Object.keys(answers).filter(
    (version) => !served.some((wanted) => wanted.version === version),
  );
  if (foreign.length > 0) {
    const names = foreign.map((version) => `"${version}"`).join(", ");
    const wanted = served.map(({ version }) => `"${version}"`).join(" or ");
    return {
      kind: "refuted",
      reason: `the server answers with version ${names} instead of ${wanted}`,
    };
  }
  for (const { version, share } of served) {
    const count = answers[version] ?? 0;
    const tail = Math.min(
      binomialUpperTail(count, requests, share),
      binomialLowerTail(count, requests, share),
    );
    if (tail < ALPHA) {
      return {
        kind: "refuted",
        reason: `version "${version}" answered ${count} of ${requests} requests, its share is ${percent(share)}`,
      };
    }
  }
  const allSeen = served.every(({ version }) => (answers[version] ?? 0) > 0);
  if (allSeen && requests >= LIMITS.proofRequestsMin) return { kind: "proven" };
  if (requests < LIMITS.proofRequestsMax) return { kind: "open" };
  return { kind: "refuted", reason: `not every version answered in ${requests} requests` };
}
