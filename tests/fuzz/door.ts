/** What the fuzzer asks of a door, and what it takes for a failure. */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { Random } from "../../runtime/random.ts";

export interface Door {
  readonly name: string;
  /** Of a million payloads, in parts of the sum of all doors' weights. */
  readonly weight: number;
  /** One payload, which depends on nothing but `random`. */
  make(random: Random): Buffer;
  /**
   * Takes the payload as the product does: "accepted", "refused: <reason>", or what else the door may rightly say.
   * @throws whatever must not happen
   */
  feed(payload: Buffer): string | Promise<string>;
  /** Throws where the door does not take a sound payload as if nothing had been; asked now and then. */
  checkSound?(): void | Promise<void>;
  /** Payloads that are on their way at a time; one by default. */
  readonly atOnce?: number;
  /** Processes stand behind it: payloads are not shrunk, nor timed. */
  readonly isProcess?: boolean;
  /** Resident bytes of what stands behind the door; by default of this process. */
  memory?(): number;
  /** @throws {Violation} where what it kept is not what was sent */
  close?(): Promise<void>;
}

/** Makes a fresh door, with nothing in its memory. */
export type DoorFactory = () => Door;

/** A promise of the product that did not hold. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Runs `take`; a refusal of the product with one of `codes` is an answer, anything else is thrown on. */
export function verdictOf(codes: readonly string[], take: () => string | void): string {
  try {
    return take() ?? "accepted";
  } catch (error) {
    return refusalOf(codes, error);
  }
}

export function refusalOf(codes: readonly string[], error: unknown): string {
  if (error instanceof DriftmendError && codes.includes(error.code)) {
    return `refused: ${reasonOf(error.message)}`;
  }
  throw error;
}

/** The reason without what differs from payload to payload. */
function reasonOf(message: string): string {
  const colon = message.indexOf(": ");
  return message
    .slice(colon === -1 ? 0 : colon + 2)
    .split("\n")[0]!
    .replace(/"[^"]*"/g, '"…"')
    .replace(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, "#")
    .slice(0, 70);
}

/** In one line; the place for errors that are not ours. */
export function describe(error: unknown): string {
  if (error instanceof Violation) return error.message;
  if (!(error instanceof Error)) return String(error);
  const place = error.stack?.split("\n").find((line) => /^\s+at /.test(line)) ?? "";
  return `${error.name}: ${error.message.split("\n")[0]} ${place.trim()}`;
}
