/** Groups are stored beside each other; a repair of rollups runs while none is, since half a group looks like damage. */
export class Gate {
  private sharing = 0;
  private queue: (() => void)[] = [];
  private exclusiveWaiting = 0;
  private exclusiveRunning = false;

  /** Runs beside other shared work. */
  async shared<T>(work: () => Promise<T>): Promise<T> {
    while (this.exclusiveRunning || this.exclusiveWaiting > 0) await this.turn();
    this.sharing++;
    try {
      return await work();
    } finally {
      this.sharing--;
      this.wakeAll();
    }
  }

  /** Runs alone. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    this.exclusiveWaiting++;
    try {
      while (this.exclusiveRunning || this.sharing > 0) await this.turn();
      this.exclusiveRunning = true;
    } finally {
      this.exclusiveWaiting--;
    }
    try {
      return await work();
    } finally {
      this.exclusiveRunning = false;
      this.wakeAll();
    }
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => {
      this.queue.push(resolve);
    });
  }

  private wakeAll(): void {
    const waiting = this.queue;
    this.queue = [];
    for (const wake of waiting) wake();
  }
}
