/** The browser's clock, the only place of the page that asks for the time or waits. */

export const nowMs = (): number => Date.now();

/** Calls back once, unless the answer is called before. */
export function after(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
}
