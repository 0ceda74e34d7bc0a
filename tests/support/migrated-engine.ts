/**
 * The embedded store with this version's schema in the database "driftmend". The schema takes seconds to
 * make and every test file that stores rows needs it: it is made once, kept beside other caches of the
 * checkout under a digest of what makes it, and copied. Tests of the migrations themselves make it anew.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { openStore } from "../../store/client.ts";
import { migrate, readMigrations } from "../../store/migrate.ts";
import { type EmbeddedEngine, startEmbeddedEngine } from "./embedded-engine.ts";

const ROOT = resolve(import.meta.dirname, "..", "..");
const CACHE = join(ROOT, ".cache", "tests");
export const DATABASE = "driftmend";

/** As `startEmbeddedEngine`, with a temporary data directory; `migrate` has nothing left to apply. */
export async function startMigratedEngine(): Promise<EmbeddedEngine> {
  return startEmbeddedEngine({ beginsAs: await schemaFolder() });
}

async function schemaFolder(): Promise<string> {
  const folder = join(CACHE, `schema-${schemaDigest()}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const made = await makeSchema();
  // Another process may have been faster.
  await rename(made, folder).catch(() => rm(made, { recursive: true, force: true }));
  return folder;
}

function schemaDigest(): string {
  const digest = createHash("sha256");
  for (const { checksum } of readMigrations()) digest.update(checksum);
  for (const source of readdirSync(join(ROOT, "store")).toSorted()) {
    if (source.endsWith(".ts")) digest.update(readFileSync(join(ROOT, "store", source)));
  }
  digest.update(readFileSync(createRequire(import.meta.url).resolve("chdb/package.json")));
  return digest.digest("hex").slice(0, 16);
}

async function makeSchema(): Promise<string> {
  const dataDirectory = await mkdtemp(join(CACHE, "making-"));
  await using engine = await startEmbeddedEngine({ dataDirectory });
  const deps = { clock: systemClock, logger: silentLogger };
  const { url, user, password } = engine;
  const store = openStore({ url, user, password, database: DATABASE }, deps);
  await migrate(store, {}, deps);
  await store.close();
  return dataDirectory;
}
