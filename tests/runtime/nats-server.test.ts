import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { startOf } from "../../cli/up/process-table.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { natsAddress, withCredentials } from "../../runtime/nats-address.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { connectNats } from "../../runtime/nats.ts";
import { findNatsServer, natsConfiguration, startNatsServer } from "../../runtime/nats-server.ts";

const deps = { clock: systemClock };
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-nats-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = (port = 0) => ({
  storeDir: join(folder, 'a "quoted" store'),
  port,
  maxPayloadBytes: 8_388_608,
  binary: findNatsServer(processEnvironment()),
});

/** A zombie that nobody has collected yet is gone. */
const isAlive = (pid: number): boolean => startOf(pid) !== undefined;

describe("startNatsServer", () => {
  it("listens on a free port of loopback with JetStream and the payload limit", async () => {
    const server = await startNatsServer(options(), deps);
    try {
      const connection = await connect({ servers: server.url });
      expect(connection.info?.max_payload).toBe(8_388_608);
      expect(connection.info?.host).toBe("127.0.0.1");
      const manager = await jetstreamManager(connection);
      await manager.streams.add({ name: "kept", subjects: ["kept.>"] });
      await connection.close();
    } finally {
      await server.stop();
    }
    const again = await startNatsServer(options(), deps);
    const connection = await connect({ servers: again.url });
    const manager = await jetstreamManager(connection);
    expect((await manager.streams.info("kept")).config.subjects).toEqual(["kept.>"]);
    await connection.close();
    await again.kill();
    expect(await again.exited).toBe("signal SIGKILL");
  });

  it("lets in only those who know its password, which stands in a file for its owner alone", async () => {
    const login = { user: "driftmend", password: "pa:ss@w/ord" };
    const { storeDir } = options();
    const file = join(storeDir, "nats-server.conf");
    mkdirSync(storeDir);
    writeFileSync(file, "left by a version before this one", { mode: 0o644 });
    const server = await startNatsServer({ ...options(), login }, deps);
    const reach = async (url: string): Promise<void> => {
      const nats = await connectNats({ url, name: "test" }, { logger: silentLogger });
      await nats.close();
    };
    try {
      expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
      expect(readFileSync(`/proc/${server.pid}/cmdline`, "utf8")).not.toContain(login.password);
      await expect(reach(server.url)).rejects.toMatchObject({ code: "nats_unreachable" });
      await expect(reach(withCredentials(server.url, "driftmend", "guess"))).rejects.toMatchObject({
        code: "nats_unreachable",
        message: expect.not.stringContaining("guess"),
      });
      await reach(withCredentials(server.url, login.user, login.password));
    } finally {
      await server.stop();
    }
  });

  it("gives up its deadline once the server is ready", async () => {
    let deadline: AbortSignal | undefined;
    const clock = {
      ...systemClock,
      sleep: (durationMs: number, signal?: AbortSignal) => {
        deadline ??= signal;
        return systemClock.sleep(durationMs, signal);
      },
    };
    const server = await startNatsServer(options(), { clock });
    try {
      // Kept, it would kill a healthy server a minute after its start.
      expect(deadline?.aborted).toBe(true);
    } finally {
      await server.stop();
    }
  });

  it("says which port is taken and what to do", async () => {
    const first = await startNatsServer(options(), deps);
    try {
      const second = { ...options(first.port), storeDir: join(folder, "second") };
      await expect(startNatsServer(second, deps)).rejects.toMatchObject({
        code: "port_in_use",
        message: `Cannot start nats-server on 127.0.0.1:${first.port} as the port must be free`,
      });
    } finally {
      await first.stop();
    }
  });

  it("reports what a broken binary said", async () => {
    const broken = { ...options(), binary: process.execPath };
    await expect(startNatsServer(broken, deps)).rejects.toMatchObject({
      code: "nats_server_failed",
    });
  });

  it("gives up a start that hangs at the deadline", async () => {
    const started = Promise.withResolvers<void>();
    const clock: Clock = { ...systemClock, sleep: () => started.promise };
    const hanging = join(folder, "hangs");
    writeFileSync(hanging, "#!/bin/sh\nexec sleep 600\n", { mode: 0o755 });
    const start = startNatsServer({ ...options(), binary: hanging }, { clock });
    started.resolve();
    await expect(start).rejects.toMatchObject({
      code: "nats_server_failed",
      message: expect.stringContaining("not ready within 60000 ms"),
    });
  });

  it("does not outlive a parent that was killed", async () => {
    const script = `
      import { startNatsServer } from ${JSON.stringify(import.meta.resolve("../../runtime/nats-server.ts"))};
      import { systemClock } from ${JSON.stringify(import.meta.resolve("../../runtime/clock.ts"))};
      const server = await startNatsServer(${JSON.stringify(options())}, { clock: systemClock });
      process.send(server.pid);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const [pid] = (await once(parent, "message")) as [number];
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
  });
});

describe("findNatsServer", () => {
  it("takes NATS_SERVER before anything else and refuses what cannot be run", () => {
    expect(findNatsServer({ NATS_SERVER: "/bin/sh" })).toBe("/bin/sh");
    expect(() => findNatsServer({ NATS_SERVER: "/etc/passwd" })).toThrow(
      'NATS_SERVER names "/etc/passwd", which is not an executable file',
    );
  });

  it("says what to do when there is none", () => {
    expect(() => findNatsServer({ PATH: folder }, join(folder, "a"))).toThrow(
      "Cannot start the transport as a nats-server (2.9 or newer) must be installed",
    );
  });
});

it("natsConfiguration() asks for nothing that 2.9 does not know", () => {
  expect(
    natsConfiguration({ storeDir: "/data/nats", port: 0, maxPayloadBytes: 1024 }),
  ).toMatchInlineSnapshot(`
    "host: 127.0.0.1
    port: -1
    max_payload: 1024
    jetstream { store_dir: "/data/nats" }
    "
  `);
});

describe("natsAddress", () => {
  it.each([
    ["nats://10.0.0.1:4222", "nats://10.0.0.1:4222", { kind: "none" }],
    ["10.0.0.1:4222", "10.0.0.1:4222", { kind: "none" }],
    ["nats://secret@nats:4222", "nats://nats:4222", { kind: "token", token: "secret" }],
    ["tls://me:a%40b@nats", "tls://nats", { kind: "user", user: "me", password: "a@b" }],
    ["me:50%@nats:4222", "nats:4222", { kind: "user", user: "me", password: "50%" }],
  ])("takes %s apart", (url, shown, credentials) => {
    expect(natsAddress(url)).toEqual({ shown, credentials });
  });

  it("finds again what was put in", () => {
    const url = withCredentials("nats://127.0.0.1:4222", "a user", "p:@/%");
    expect(natsAddress(url)).toEqual({
      shown: "nats://127.0.0.1:4222",
      credentials: { kind: "user", user: "a user", password: "p:@/%" },
    });
  });
});
