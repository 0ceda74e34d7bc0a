import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { firstBrokenLink } from "../../../retrainer/journal/audit-chain.ts";
import { openJournal } from "../../../retrainer/journal/journal.ts";
import { noteErasures } from "../../../retrainer/projections/note-erasures.ts";
import { systemClock } from "../../../runtime/clock.ts";
import type { Store } from "../../../store/client.ts";
import type { ErasureRow } from "../../../store/queries/erasures.ts";

const erasure = {
  id: "e1",
  model: "m",
  kind: "prediction",
  hashes: ["A-HASH"],
  by: "anna",
  reason: "asked for it",
  counts: { predictions: 1 },
  asked: 5,
  finished: 6,
} as unknown as ErasureRow;

it("notes an erasure once, with who and why and without whose it was, over restarts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-noted-"));
  const store = { query: () => Promise.resolve([erasure]) } as unknown as Pick<Store, "query">;
  try {
    for (let start = 0; start < 2; start++) {
      const journal = openJournal(join(folder, "journal.sqlite"), { clock: systemClock });
      expect(await noteErasures(journal, store, 0)).toBe(6);
      expect(await noteErasures(journal, store, 6)).toBe(6);
      const entries = journal.log.audit(0);
      expect(entries).toMatchObject([
        { actor: "anna", action: "erase", model: "m", target: "e1", reason: "asked for it" },
      ]);
      expect(JSON.stringify(entries)).not.toContain("A-HASH");
      expect(firstBrokenLink(entries)).toBeNull();
      journal.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
