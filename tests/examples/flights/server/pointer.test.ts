import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pointer, versionOf } from "../../../../examples/flights/server/pointer.ts";

describe("versionOf()", () => {
  it("gives a canary its share of requests, and the same request the same version", () => {
    const pointer = Pointer.parse({
      revision: 2,
      versions: [
        { version: "1", share: 0.9 },
        { version: "2", share: 0.1 },
      ],
    });
    const ids = Array.from({ length: 20_000 }, (_, i) => `2001-03-05T07/5.${i % 10}/${i}`);
    const canary = ids.filter((id) => versionOf(pointer, id) === "2").length / ids.length;
    // Binomial standard error 0.002.
    expect(canary).toBeGreaterThan(0.09);
    expect(canary).toBeLessThan(0.11);
    expect(ids.map((id) => versionOf(pointer, id))).toEqual(
      ids.map((id) => versionOf(pointer, id)),
    );
  });

  it("never answers with a version whose share is 0", () => {
    const pointer = Pointer.parse({
      revision: 3,
      versions: [
        { version: "1", share: 0 },
        { version: "2", share: 1 },
      ],
    });
    fc.assert(fc.property(fc.string(), (id) => versionOf(pointer, id) === "2"));
  });
});

describe("Pointer", () => {
  it("refuses shares that do not add up to 1", () => {
    const versions = [{ version: "1", share: 0.9 }];
    expect(Pointer.safeParse({ revision: 1, versions }).error?.issues[0]?.message).toBe(
      "the shares must add up to 1",
    );
  });
});
