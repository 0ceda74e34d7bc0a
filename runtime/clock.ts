/**
 * Time as a dependency. Three questions, three answers: which moment is it (`nowMs`, may jump), how
 * long did it take (`monotonicMs`, never goes back), and wait (`sleep`). Model time is none of these:
 * it travels in frames (DESIGN, Time).
 */
export interface Clock {
  /** Wall time in milliseconds since 1970 UTC; may jump either way. */
  nowMs(): number;
  /** Milliseconds since an arbitrary origin; never decreases within a process. */
  monotonicMs(): number;
  /** Resolves after `durationMs`; rejects with the signal's reason when it is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `tick` every `periodMs` until the returned function is called; never overlaps. */
  every(periodMs: number, tick: () => Promise<void> | void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (durationMs, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, durationMs);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
  every: (periodMs, tick) => {
    let stopped = false;
    let timer: NodeJS.Timeout | undefined;
    const schedule = (): void => {
      if (stopped) return;
      timer = setTimeout(() => {
        void Promise.resolve(tick()).finally(schedule);
      }, periodMs);
      timer.unref();
    };
    schedule();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  },
};
