/** Many large requests at once: those for which there is no memory wait in their connections, and are not refused. */
import { PassThrough } from "node:stream";
import type { IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { BodyReader } from "../../agent/doors/request-body.ts";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";

const MIB = 1024 * 1024;
const AT_ONCE = LIMITS.bodiesReadBytesMax / LIMITS.bodyFirstBytesMax;

/** A request whose body comes when the test says so. */
function request(bytes: number) {
  const stream = new PassThrough({ highWaterMark: bytes });
  const state = { isRead: false };
  stream.on("newListener", (event) => {
    if (event === "data") state.isRead = true;
  });
  const whole = Object.assign(stream, { headers: { "content-length": String(bytes) } });
  return {
    state,
    message: whole as unknown as IncomingMessage,
    arrive: () => stream.end(Buffer.alloc(bytes, 7)),
  };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const lengthOf = (body: Buffer): number => body.length;

it("reads so many at once, and the next one when one of them is done with", async () => {
  const bodies = new BodyReader(systemClock);
  const all = Array.from({ length: AT_ONCE + 3 }, () => request(LIMITS.bodyFirstBytesMax));
  const reading = all.map(({ message }) => bodies.read(message, lengthOf));
  const begun = (): number => all.filter(({ state }) => state.isRead).length;
  await settled();
  expect(begun()).toBe(AT_ONCE);
  all[0]?.arrive();
  expect(await reading[0]).toBe(LIMITS.bodyFirstBytesMax);
  await settled();
  expect(begun()).toBe(AT_ONCE + 1);
  for (const { arrive } of all.slice(1)) arrive();
  expect(await Promise.all(reading)).toEqual(all.map(() => LIMITS.bodyFirstBytesMax));
});

it("reads one that is larger than all of that, once it has come this far", async () => {
  const bodies = new BodyReader(systemClock);
  const large = request(LIMITS.requestBytesMax);
  const reading = bodies.read(large.message, lengthOf);
  large.arrive();
  expect(await reading).toBe(20 * MIB);
});

it("holds nobody up for longer than a moment where senders stall", async () => {
  let nowMs = 0;
  let pass: () => void = () => undefined;
  const bodies = new BodyReader({
    ...systemClock,
    monotonicMs: () => nowMs,
    sleep: () => new Promise((resolve) => (pass = resolve)),
  });
  const stalled = Array.from({ length: AT_ONCE }, () => request(LIMITS.bodyFirstBytesMax));
  for (const { message } of stalled) void bodies.read(message, lengthOf);
  const sound = request(1_000);
  const reading = bodies.read(sound.message, lengthOf);
  sound.arrive();
  await settled();
  expect(sound.state.isRead).toBe(false);
  nowMs = LIMITS.bodyWaitMsMax;
  pass();
  expect(await reading).toBe(1_000);
});

it("reads nothing more while the disk is behind, and goes on when it has caught up", async () => {
  let isBehind = true;
  const bodies = new BodyReader(systemClock, () => isBehind);
  const some = [request(1_000), request(2_000)];
  const reading = some.map(({ message }) => bodies.read(message, lengthOf));
  for (const { arrive } of some) arrive();
  bodies.wake();
  await settled();
  expect(some.some(({ state }) => state.isRead)).toBe(false);
  isBehind = false;
  bodies.wake();
  expect(await Promise.all(reading)).toEqual([1_000, 2_000]);
});

it("takes no memory for what is announced and does not come", async () => {
  const bodies = new BodyReader(systemClock);
  const announced = Array.from({ length: AT_ONCE - 1 }, () => request(LIMITS.requestBytesMax));
  for (const { message } of announced) void bodies.read(message, lengthOf);
  const sound = request(1_000);
  const reading = bodies.read(sound.message, lengthOf);
  sound.arrive();
  expect(await reading).toBe(1_000);
});

it("lets small bodies in beside each other after large ones: no large buffer is lent to them", async () => {
  const bodies = new BodyReader(systemClock);
  const large = request(4 * MIB);
  const readingLarge = bodies.read(large.message, lengthOf);
  large.arrive();
  expect(await readingLarge).toBe(4 * MIB);
  const small = Array.from({ length: AT_ONCE }, () => request(1_000));
  const reading = small.map(({ message }) => bodies.read(message, lengthOf));
  await settled();
  expect(small.every(({ state }) => state.isRead)).toBe(true);
  for (const { arrive } of small) arrive();
  expect(await Promise.all(reading)).toEqual(small.map(() => 1_000));
});
