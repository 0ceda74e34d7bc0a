/** Ctrl-C once asks for an orderly stop, twice ends everything at once. */

export interface StopSignals {
  /** Resolves with the name of the first signal. */
  readonly asked: Promise<string>;
  /** Stops listening. */
  close(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** `again` is called on every signal after the first. */
export function listenForStop(again: () => void): StopSignals {
  const { promise, resolve } = Promise.withResolvers<string>();
  let first = true;
  const onSignal = (name: NodeJS.Signals): void => {
    if (!first) return again();
    first = false;
    resolve(name);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    asked: promise,
    close: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
