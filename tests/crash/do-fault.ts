/** Does to a running system what a plan says. */
import { cpSync, existsSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import type { Fault } from "./plan-faults.ts";
import { cutPower } from "./power/cut-power.ts";
import type { CrashSystem } from "./system.ts";

/** What writes back by itself does so within half a minute. */
const SETTLED_MS = 30_000;
/** JetStream fsyncs every two minutes: after a power cut its files are of some time before. */
const NATS_COPY_MS = 5_000;

export class Faults {
  private readonly system: CrashSystem;
  private readonly random: Random;
  private readonly say: (line: string) => void;
  private readonly stopCopies: () => void;
  /** What was there before is on disk: tables and folders, and what the last power cut left. */
  private begunMs = Date.now();
  private readonly healing = new Set<Promise<void>>();

  constructor(system: CrashSystem, random: Random, say: (line: string) => void) {
    this.system = system;
    this.random = random;
    this.say = say;
    this.stopCopies = systemClock.every(NATS_COPY_MS, async () => this.copyNats());
  }

  async do(fault: Fault): Promise<void> {
    const { system } = this;
    switch (fault.kind) {
      case "kill":
        for (const name of fault.processes) system.processes[name].kill();
        return;
      case "power":
        return this.power();
      case "network": {
        const link = system.links[fault.link];
        if (fault.silent) link.silence();
        else link.cut();
        this.later(fault.forMs, () => link.heal());
        return;
      }
      case "disk":
        return this.fillDisk(fault.forMs);
      case "clock":
        system.setClockOffset(fault.offsetMs);
    }
  }

  /** Resolves when everything is as it was, but for what the system has to do about it. */
  async end(): Promise<void> {
    this.stopCopies();
    await Promise.all(this.healing);
    for (const link of Object.values(this.system.links)) link.heal();
    this.system.setClockOffset(0);
  }

  private async power(): Promise<void> {
    const { system, random } = this;
    const held = await Promise.all(Object.values(system.processes).map((one) => one.hold()));
    const settledBeforeMs = Math.max(this.begunMs, Date.now() - SETTLED_MS);
    const options = { random, settledBeforeMs };
    for (const { folder, log } of system.fsyncLogs) {
      this.say(`  ${folder}: ${JSON.stringify(cutPower(folder, log, options))}`);
    }
    const copy = this.natsCopy();
    if (existsSync(copy)) {
      rmSync(this.natsFolder(), { recursive: true });
      cpSync(copy, this.natsFolder(), { recursive: true });
    }
    this.begunMs = Date.now();
    for (const one of held) one.release();
  }

  private fillDisk(forMs: number): void {
    if (!this.system.spoolDiskIsSmall) return;
    const file = join(this.system.spoolFolder, "..", "filler");
    const { bavail, bsize } = statfsSync(this.system.spoolFolder);
    try {
      writeFileSync(file, Buffer.alloc(bavail * bsize));
    } catch {
      // Full before the end: what was meant.
    }
    this.later(forMs, () => rmSync(file, { force: true }));
  }

  private later(ms: number, action: () => void): void {
    const healed = systemClock.sleep(ms).then(action);
    this.healing.add(healed);
    void healed.then(() => this.healing.delete(healed));
  }

  private copyNats(): void {
    try {
      rmSync(this.natsCopy(), { recursive: true, force: true });
      cpSync(this.natsFolder(), this.natsCopy(), { recursive: true });
    } catch {
      // A file went away while it was copied; the next copy is soon.
      rmSync(this.natsCopy(), { recursive: true, force: true });
    }
  }

  private natsFolder(): string {
    return join(this.system.folder, "nats");
  }

  private natsCopy(): string {
    return join(this.system.folder, "nats-before");
  }
}
