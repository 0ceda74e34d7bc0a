/** Copies of what passes take the memory that they say they take. */
import { expect, it } from "vitest";
import { mayCopy } from "../../agent/proxy/call-copy.ts";
import { CopyBudget, Tee } from "../../agent/proxy/tee.ts";
import { LIMITS } from "../../contract/limits.ts";

it("a copy keeps nothing of the memory that its pieces came in", () => {
  const tee = new Tee(new CopyBudget());
  const socketRead = Buffer.alloc(65_536, "x");
  for (let i = 0; i < 5_000; i++) tee.add(socketRead.subarray(i, i + 1));
  const whole = tee.whole();
  expect(whole?.toString()).toBe("x".repeat(5_000));
  expect(whole?.buffer).not.toBe(socketRead.buffer);
});

it("counts all that is held, and gives it back once", () => {
  const budget = new CopyBudget();
  const tee = new Tee(budget, 300);
  tee.add(Buffer.alloc(10));
  expect(budget.bytes).toBe(300 + (tee.whole()?.buffer.byteLength ?? 0));
  tee.drop();
  tee.drop();
  tee.add(Buffer.alloc(10));
  expect(budget.bytes).toBe(0);
});

it("is given up where it is too large, or all of them are", () => {
  const budget = new CopyBudget();
  const large = new Tee(budget);
  large.add(Buffer.alloc(LIMITS.proxyCopyBytesMax));
  large.add(Buffer.alloc(1));
  expect(large.whole()).toBe(null);
  expect(budget.bytes).toBe(0);
  const others = Array.from({ length: 17 }, () => new Tee(budget));
  for (const tee of others) tee.add(Buffer.alloc(LIMITS.proxyCopyBytesMax));
  expect(others.filter((tee) => tee.whole() === null).length).toBe(1);
  for (const tee of others) tee.drop();
  expect(budget.bytes).toBe(0);
});

it("a call is copied where its head is no larger than is kept, and there is room", () => {
  const budget = new CopyBudget();
  expect(mayCopy(16 * 1024, budget)).toBe("copied");
  expect(mayCopy(16 * 1024 + 1, budget)).toBe("unread");
  budget.bytes = LIMITS.proxyCopiesBytesMax - 1_000;
  expect(mayCopy(100, budget)).toBe("shed");
});
