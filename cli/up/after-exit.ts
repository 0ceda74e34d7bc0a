/** What follows when a supervised process has ended without being asked to: a decision and its reason. */

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** What it said of itself before it left, or the end of its log. */
  readonly said: string | null;
}

export interface Ended {
  readonly exit: Exit;
  readonly endsByItself: boolean;
  /** Whether this process, or one before it of the same name, was ever ready. */
  readonly wasEverReady: boolean;
  /** How long it had been ready; 0 when it never was. */
  readonly readyMs: number;
  /** How many lives in a row before this one ended without having been ready long. */
  readonly failuresInARow: number;
}

export type AfterExit =
  | { readonly kind: "finished"; readonly reason: string }
  | {
      readonly kind: "restart";
      readonly delayMs: number;
      readonly failuresInARow: number;
      readonly reason: string;
    }
  | { readonly kind: "give-up"; readonly reason: string };

/** Configuration or state is wrong and restarting will not help (sysexits EX_CONFIG). */
const EXIT_WRONG_STATE = 78;
const STEADY_MS = 30_000;
const DELAY_MS_MIN = 250;
const DELAY_MS_MAX = 15_000;
const FAILURES_MAX = 8;
/** Before it was ever ready, counting only ends by a signal. */
const FIRST_FAILURES_MAX = 3;

export function afterExit(ended: Ended): AfterExit {
  const how = describeExit(ended.exit);
  if (ended.endsByItself && ended.exit.code === 0) return { kind: "finished", reason: how };
  if (ended.exit.code === EXIT_WRONG_STATE) return { kind: "give-up", reason: how };
  // A signal comes from outside and may not come again; what it said of itself, it would say again.
  const mayTryAgain = ended.exit.signal !== null && ended.failuresInARow < FIRST_FAILURES_MAX;
  if (!ended.wasEverReady && !mayTryAgain) {
    return { kind: "give-up", reason: `${how} before it was ready` };
  }
  const failures = ended.readyMs >= STEADY_MS ? 0 : ended.failuresInARow;
  if (failures >= FAILURES_MAX) {
    return { kind: "give-up", reason: `${how}, ${failures} times in a row` };
  }
  const delayMs = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** failures);
  return { kind: "restart", delayMs, failuresInARow: failures + 1, reason: how };
}

/** "signal SIGKILL", "exit code 1: <what it said>". */
export function describeExit(exit: Exit): string {
  const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  return exit.said === null ? how : `${how}: ${exit.said}`;
}
