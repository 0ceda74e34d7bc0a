/** A nats-server of a test's own, on a free port and a folder that goes with it, and a connection to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { findNatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import { type Nats, connectNats } from "../../runtime/nats.ts";

export interface TestNats extends AsyncDisposable {
  readonly url: string;
  readonly nats: Nats;
}

export async function startTestNats(): Promise<TestNats> {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-nats-"));
  const server = await startNatsServer(
    {
      binary: findNatsServer(processEnvironment()),
      storeDir: folder,
      port: 0,
      maxPayloadBytes: LIMITS.natsPayloadBytesMax,
    },
    { clock: systemClock },
  );
  const nats = await connectNats({ url: server.url, name: "test" }, { logger: silentLogger });
  return {
    url: server.url,
    nats,
    [Symbol.asyncDispose]: async () => {
      await nats.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
