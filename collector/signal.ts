/** Something has changed: wakes whoever waits, and remembers that for who comes a moment later. */
export class Signal {
  private raised = false;
  private wake: (() => void) | undefined;

  raise(): void {
    this.raised = true;
    this.wake?.();
  }

  /** Resolves when raised since the last wait, aborted, or after `timeoutMs`. One waiter at a time. */
  async wait(abort: AbortSignal, timeoutMs?: number): Promise<void> {
    if (!this.raised && !abort.aborted) {
      await new Promise<void>((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(done, timeoutMs);
        function done(): void {
          clearTimeout(timer);
          abort.removeEventListener("abort", done);
          resolve();
        }
        this.wake = done;
        abort.addEventListener("abort", done);
      });
      this.wake = undefined;
    }
    this.raised = false;
  }
}
