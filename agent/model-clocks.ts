/**
 * Each model's clock as the agent knows it: the wall, or what a replay announced last. An announcement counts
 * for records at once, and is taken back if the frame that carries it could not be written.
 */
import type { FrameClock } from "../contract/frame.ts";

export class ModelClocks {
  private readonly nowMs: () => number;
  private readonly written: Map<string, number>;
  private current: Map<string, number>;

  constructor(nowMs: () => number, written: ReadonlyMap<string, number>) {
    this.nowMs = nowMs;
    this.written = new Map(written);
    this.current = new Map(written);
  }

  clockMs(model: string): number {
    return this.current.get(model) ?? this.nowMs();
  }

  /** Null where the model's clock is the wall. */
  announced(model: string): number | null {
    return this.current.get(model) ?? null;
  }

  announce(clock: FrameClock): void {
    apply(this.current, clock);
  }

  /** The announcements are on disk. */
  wasWritten(clocks: readonly FrameClock[]): void {
    for (const clock of clocks) apply(this.written, clock);
  }

  /** What was announced since could not be written. */
  takeBack(): void {
    this.current = new Map(this.written);
  }

  /** Announced clocks that are on disk. */
  entries(): ReadonlyMap<string, number> {
    return this.written;
  }
}

export function apply(clocks: Map<string, number>, { model, timeMs }: FrameClock): void {
  if (timeMs === "wall") clocks.delete(model);
  else clocks.set(model, timeMs);
}

/** Announced clocks as entries, after further announcements. */
export function clocksAfter(
  before: [string, number][],
  clocks: readonly FrameClock[],
): [string, number][] {
  if (clocks.length === 0) return before;
  const after = new Map(before);
  for (const clock of clocks) apply(after, clock);
  return [...after];
}
