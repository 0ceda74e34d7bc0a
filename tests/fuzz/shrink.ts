/** The smallest part of a payload that fails in the same way, before a door without a memory. */
import { type DoorFactory, describe } from "./door.ts";

const FEEDS_MAX = 2_000;

/** Null where the payload does not fail alone. */
export async function shrink(
  payload: Buffer,
  what: string,
  factory: DoorFactory,
): Promise<Buffer | null> {
  if (!(await failsAlone(payload, what, factory))) return null;
  const door = factory();
  let smallest = payload;
  let feeds = 0;
  try {
    for (let size = Math.ceil(payload.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < smallest.length && feeds++ < FEEDS_MAX; ) {
        const rest = [smallest.subarray(0, from), smallest.subarray(from + size)];
        const candidate = Buffer.concat(rest);
        const found = await failureOf(door.feed.bind(door), candidate);
        if (found !== null && kindOf(found) === kindOf(what)) smallest = candidate;
        else from += size;
      }
    }
  } finally {
    await door.close?.();
  }
  return (await failsAlone(smallest, what, factory)) ? smallest : payload;
}

/** Without the numbers and texts that change with the payload. */
export const kindOf = (what: string): string => what.slice(0, 60).replace(/\d+|"[^"]*"/g, "#");

async function failsAlone(payload: Buffer, what: string, factory: DoorFactory): Promise<boolean> {
  const door = factory();
  const found = await failureOf(async (bytes) => {
    await door.feed(bytes);
    await door.checkSound?.();
  }, payload);
  await door.close?.();
  return found !== null && kindOf(found) === kindOf(what);
}

async function failureOf(
  feed: (payload: Buffer) => unknown,
  payload: Buffer,
): Promise<string | null> {
  try {
    await feed(payload);
    return null;
  } catch (error) {
    return describe(error);
  }
}
