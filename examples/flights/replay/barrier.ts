/**
 * Waits until a model's day is stored, analysed and acted on: the retrainer says so (`settled`), and
 * repeats it, so that no message need be heard at once.
 */
import { SettledMessage } from "../../../contract/messages.ts";
import { subjects } from "../../../contract/subjects.ts";
import type { Nats } from "../../../runtime/nats.ts";

export interface Barrier {
  /** Resolves when everything up to `timeMs` is settled. */
  settled(timeMs: number): Promise<void>;
  close(): void;
}

export function openBarrier(model: string, deps: { nats: Nats }): Barrier {
  let throughMs = Number.NEGATIVE_INFINITY;
  let waiting: { timeMs: number; resolve: () => void }[] = [];
  const close = deps.nats.subscribe(subjects.settled(model), SettledMessage, (message) => {
    // Before the first announcement the model lives on the wall's clock, far ahead of the replay's.
    if (message.clock !== "replay") return;
    throughMs = Math.max(throughMs, message.throughMs);
    const due = waiting.filter(({ timeMs }) => timeMs <= throughMs);
    waiting = waiting.filter(({ timeMs }) => timeMs > throughMs);
    for (const { resolve } of due) resolve();
  });
  return {
    settled: (timeMs) =>
      timeMs <= throughMs
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push({ timeMs, resolve });
          }),
    close,
  };
}
