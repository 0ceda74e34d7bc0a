/** The protobuf path makes no object per event: what a heap profile sees is far below one object a record. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";

const Profile = z.object({
  records: z.int(),
  bytes: z.number(),
  sites: z.array(z.tuple([z.string(), z.number()])),
});

/** A boxed number, the smallest thing on V8's heap as Node builds it, takes 16 bytes. */
const SMALLEST_OBJECT_BYTES = 16;

it.each([
  ["as they come", "plain"],
  ["under a sample, a rate and a size", "sampled"],
])(
  "decodes 100 000 predictions %s with less allocated than one smallest object for each",
  (_name, how) => {
    const child = join(import.meta.dirname, "children", "allocation.ts");
    const output = execFileSync(process.execPath, [child, how], {
      encoding: "utf8",
      timeout: 120_000,
    });
    const { records, bytes, sites } = Profile.parse(JSON.parse(output));
    expect(records).toBe(100_000);
    expect(sites, "the profile must see the blocks that are written").not.toEqual([]);
    expect(bytes / records, `bytes by site: ${JSON.stringify(sites)}`).toBeLessThan(
      SMALLEST_OBJECT_BYTES,
    );
  },
  120_000,
);
