/**
 * Feeds doors with payloads, each of which follows from (seed, door, index) alone, and says what became of them:
 * counts by verdict, failures with their smallest payload, the slowest payload for its size, memory.
 */
import { crc32 } from "node:zlib";
import { type Random, seededRandom } from "../../runtime/random.ts";
import { type Door, type DoorFactory, Violation, describe } from "./door.ts";
import { kindOf, shrink } from "./shrink.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly payloads: number;
  /** Index of the first payload. */
  readonly from: number;
  /** Kinds of failures of a door after which it is left alone. */
  readonly failuresMax: number;
  readonly say: (line: string) => void;
}

export interface Failure {
  readonly door: string;
  readonly seed: number;
  readonly index: number;
  readonly what: string;
  /** Base64 of the smallest payload that fails alike; of the whole one where it fails only after others. */
  readonly payload: string;
  readonly alone: boolean;
  /** Payloads that failed alike. */
  count: number;
}

export interface DoorReport {
  readonly door: string;
  readonly payloads: number;
  readonly bytes: number;
  readonly accepted: number;
  readonly refused: number;
  readonly verdicts: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  readonly slowest: Slowest;
  readonly seconds: number;
  /** Resident bytes at each fifth of the payloads. */
  readonly rss: readonly number[];
  readonly heapWarm: number;
  readonly heapEnd: number;
}

export interface Slowest {
  readonly index: number;
  readonly bytes: number;
  readonly ms: number;
}

/** A sound payload is fed after so many hostile ones. */
const SOUND_EVERY = 64;
/** How often memory is looked at; the first time is after what the door needs anyway was made. */
const LOOKS = 5;
/** What a payload may take of this thread whatever its size, and by its size, the comparison with others included. */
const FLAT_MS = 500;
const MS_PER_KIB = 10;
/** Added to a payload's size before times are compared: small ones would be ranked by chance. */
const SIZE_FLOOR = 4_096;
const TURN_EVERY = 200;
const TIMED_AGAIN = 3;

export const randomOf = (seed: number, door: string, index: number): Random =>
  seededRandom((Math.imul(seed, 0x9e3779b1) ^ crc32(`${door}/${index}`)) >>> 0);

export async function fuzzDoor(factory: DoorFactory, options: FuzzOptions): Promise<DoorReport> {
  const door = factory();
  const run = new DoorRun(door, options);
  const lookEvery = options.payloads / LOOKS;
  const step = door.atOnce ?? 1;
  for (let i = 0; i < options.payloads && run.failures.length < options.failuresMax; i += step) {
    const count = Math.min(step, options.payloads - i);
    await Promise.all(
      Array.from({ length: count }, (_, j) => run.feed(options.from + i + j, factory)),
    );
    if (Math.floor(i / SOUND_EVERY) !== Math.floor((i + count) / SOUND_EVERY))
      await run.checkSound();
    if (Math.floor(i / lookEvery) !== Math.floor((i + count) / lookEvery)) run.look();
  }
  await run.close();
  return run.report();
}

class DoorRun {
  readonly failures: Failure[] = [];
  private readonly door: Door;
  private readonly options: FuzzOptions;
  private readonly verdicts = new Map<string, number>();
  private payloads = 0;
  private bytes = 0;
  private slowest: Slowest = { index: -1, bytes: 0, ms: 0 };
  private readonly looks: Memory[] = [];
  private readonly startedMs = performance.now();

  constructor(door: Door, options: FuzzOptions) {
    this.door = door;
    this.options = options;
  }

  look(): void {
    this.looks.push(this.memory());
  }

  async checkSound(): Promise<void> {
    await this.holds("a sound payload after others", async () => this.door.checkSound?.());
  }

  async close(): Promise<void> {
    await this.holds("what was kept", async () => this.door.close?.());
  }

  /** A promise that no single payload breaks. */
  private async holds(what: string, check: () => Promise<void>): Promise<void> {
    try {
      await check();
    } catch (error) {
      this.note({
        index: this.payloads,
        what: `${what}: ${describe(error)}`,
        payload: "",
        alone: false,
      });
    }
  }

  private memory(): Memory {
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss: this.door.memory?.() ?? rss, heap: heapUsed + external };
  }

  async feed(index: number, factory: DoorFactory): Promise<void> {
    const { door, options } = this;
    const payload = door.make(randomOf(options.seed, door.name, index));
    this.payloads++;
    this.bytes += payload.length;
    const startedMs = cpuMs();
    try {
      const verdict = await door.feed(payload);
      if (door.isProcess !== true) {
        await this.noteTime(index, payload, cpuMs() - startedMs);
      }
      this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
      // Timers and garbage collection of what is held from outside need a turn of the loop.
      if (this.payloads % TURN_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
    } catch (error) {
      await this.fail(index, payload, error, factory);
    }
  }

  report(): DoorReport {
    const accepted = [...this.verdicts]
      .filter(([verdict]) => verdict.startsWith("accepted"))
      .reduce((sum, [, count]) => sum + count, 0);
    const failed = this.failures.reduce((sum, { count }) => sum + count, 0);
    return {
      door: this.door.name,
      payloads: this.payloads,
      bytes: this.bytes,
      accepted,
      refused: this.payloads - accepted - failed,
      verdicts: Object.fromEntries([...this.verdicts].toSorted(([, a], [, b]) => b - a)),
      failures: this.failures,
      slowest: this.slowest,
      seconds: (performance.now() - this.startedMs) / 1000,
      rss: this.looks.map(({ rss }) => rss),
      heapWarm: this.looks[0]?.heap ?? 0,
      heapEnd: this.looks.at(-1)?.heap ?? 0,
    };
  }

  /** What seems slow is fed again: once says little of code that is being compiled. */
  private async noteTime(index: number, payload: Buffer, firstMs: number): Promise<void> {
    const rank = (ms: number, bytes: number): number => ms / (bytes + SIZE_FLOOR);
    const bytes = payload.length;
    let ms = firstMs;
    for (let again = 0; again < TIMED_AGAIN; again++) {
      if (rank(ms, bytes) <= rank(this.slowest.ms, this.slowest.bytes)) return;
      const startedMs = cpuMs();
      await this.door.feed(payload);
      ms = Math.min(ms, cpuMs() - startedMs);
    }
    this.slowest = { index, bytes, ms };
    if (ms > FLAT_MS + (bytes / 1024) * MS_PER_KIB) {
      throw new Violation(`${bytes} bytes took ${Math.round(ms)} ms of CPU`);
    }
  }

  private async fail(
    index: number,
    payload: Buffer,
    error: unknown,
    factory: DoorFactory,
  ): Promise<void> {
    const what = describe(error);
    const isKnown = this.failures.some((one) => kindOf(one.what) === kindOf(what));
    const small =
      isKnown || this.door.isProcess === true ? null : await shrink(payload, what, factory);
    this.note({
      index,
      what,
      payload: (small ?? payload).toString("base64"),
      alone: small !== null,
    });
  }

  private note(found: Pick<Failure, "index" | "what" | "payload" | "alone">): void {
    const known = this.failures.find((one) => kindOf(one.what) === kindOf(found.what));
    if (known !== undefined) {
      known.count++;
      return;
    }
    const failure = { door: this.door.name, seed: this.options.seed, count: 1, ...found };
    this.failures.push(failure);
    this.options.say(`FAILED ${JSON.stringify(failure).slice(0, 900)}`);
  }
}

/** Of this thread, whatever else the machine does. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

interface Memory {
  readonly rss: number;
  readonly heap: number;
}
