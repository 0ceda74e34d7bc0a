/** Whether a service that somebody else runs can work, in the words in which `up` speaks of its children. */

export type Readiness =
  | { readonly kind: "ready" }
  | { readonly kind: "starting" | "away"; readonly reason: string };

const TIMEOUT_MS = 2_000;

/** Never rejects: what does not answer is away. */
export async function askReadiness(url: string): Promise<Readiness> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.ok) return { kind: "ready" };
    return { kind: "starting", reason: await response.text() };
  } catch (error) {
    return {
      kind: "away",
      reason: `${url} does not answer: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
