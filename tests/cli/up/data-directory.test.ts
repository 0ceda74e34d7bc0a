import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { directoryForOnce, openDataDirectory } from "../../../cli/up/data-directory.ts";
import { choosePort } from "../../../cli/up/ports.ts";
import { endLeftovers } from "../../../cli/up/process-record.ts";
import { entryOfStat, startOf, survivors } from "../../../cli/up/process-table.ts";
import { residentBytes } from "../../../cli/up/resident-memory.ts";
import { systemClock } from "../../../runtime/clock.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-data-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("a data directory", () => {
  it("is for its owner only, and keeps its credentials", async () => {
    const first = await openDataDirectory(join(folder, "data"), "0.1.0");
    first.release();
    expect(mode(first.path)).toBe("700");
    expect(mode(join(first.path, "credentials.json"))).toBe("600");
    const second = await openDataDirectory(join(folder, "data"), "0.1.0");
    second.release();
    expect(second.credentials).toEqual(first.credentials);
    expect(first.credentials.token).toMatch(/^[\w-]{32}$/);
    expect(new Set(Object.values(first.credentials)).size).toBe(5);
  });

  it("of a version before this one keeps what that had made, and gets what it lacks", async () => {
    const old = { token: "t", readToken: "r", clickhousePassword: "c" };
    writeFileSync(join(folder, "credentials.json"), JSON.stringify(old), { mode: 0o600 });
    writeFileSync(join(folder, "credentials.json.tmp"), "{", { mode: 0o644 });
    const first = await openDataDirectory(folder, "0.1.0");
    first.release();
    expect(first.credentials).toMatchObject(old);
    expect(first.credentials.natsPassword).toMatch(/^[\w-]{32}$/);
    expect(mode(join(folder, "credentials.json"))).toBe("600");
    const second = await openDataDirectory(folder, "0.1.0");
    second.release();
    expect(second.credentials).toEqual(first.credentials);
  });

  it("in use by another process says which, and what to do", async () => {
    const script = `
      import { openDataDirectory } from ${JSON.stringify(import.meta.resolve("../../../cli/up/data-directory.ts"))};
      import { openProcessRecord } from ${JSON.stringify(import.meta.resolve("../../../cli/up/process-record.ts"))};
      const directory = await openDataDirectory(${JSON.stringify(folder)}, "0.1.0");
      openProcessRecord(directory.path);
      process.send("open");
      process.on("disconnect", () => process.exit(0));`;
    const other = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    await once(other, "message");
    await expect(openDataDirectory(folder, "0.1.0")).rejects.toMatchObject({
      code: "data_directory_in_use",
      message: `Cannot start on "${folder}" as only one process may use a data directory: process ${other.pid} runs on it`,
      next: 'Look at it with "npx driftmend status", stop it with Ctrl-C, or name another folder with --data-dir.',
    });
    other.kill("SIGKILL");
    await once(other, "exit");
    (await openDataDirectory(folder, "0.1.0")).release();
  });

  it("of a newer version, or with a damaged format, is left alone", async () => {
    writeFileSync(join(folder, "format.json"), '{"format": 7, "version": "3.1.0"}');
    await expect(openDataDirectory(folder, "0.1.0")).rejects.toMatchObject({
      code: "data_directory_newer",
      message: `Cannot open the data directory "${folder}" as this version must know its format: Driftmend 3.1.0 wrote format 7, this one knows 1`,
    });
    writeFileSync(join(folder, "format.json"), "{");
    await expect(openDataDirectory(folder, "0.1.0")).rejects.toMatchObject({
      code: "data_directory_unusable",
    });
    writeFileSync(join(folder, "format.json"), '{"format": 1, "version": "0.0.9"}');
    (await openDataDirectory(folder, "0.1.0")).release();
    expect(readFileSync(join(folder, "format.json"), "utf8")).toContain("0.1.0");
  });

  it("that cannot be made says why", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(openDataDirectory(join(folder, "file", "x"), "0.1.0")).rejects.toMatchObject({
      code: "data_directory_unusable",
      next: "Name a directory that you may create and write, with --data-dir.",
    });
  });

  it("for one run of the story must be empty or new", () => {
    expect(directoryForOnce(join(folder, "new"), 0)).toBe(join(folder, "new"));
    expect(directoryForOnce(undefined, 0)).toMatch(/\.driftmend\/once-19700101T000000$/);
    mkdirSync(join(folder, "used"));
    writeFileSync(join(folder, "used", "x"), "");
    expect(() => directoryForOnce(join(folder, "used"), 0)).toThrow("the folder must be empty");
  });
});

describe("ports", () => {
  const wish = { name: "the API", option: "--port", defaultPort: 0, asked: undefined };

  it("a busy default moves to the next free one, an explicit one never does", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const busy = (server.address() as { port: number }).port;
    const taken = new Set<number>([busy + 1]);
    const moved = await choosePort({ ...wish, defaultPort: busy }, taken);
    expect(moved).toMatchObject({ kind: "moved", from: busy });
    expect(moved.port).toBeGreaterThan(busy + 1);
    await expect(choosePort({ ...wish, asked: busy }, new Set())).rejects.toMatchObject({
      code: "port_in_use",
      message: `Cannot start the API on 127.0.0.1:${busy} as the port must be free: another program listens there`,
      next: "Stop that program, or name another port with --port (0 picks a free one).",
    });
    server.close();
    await once(server, "close");
    expect(await choosePort({ ...wish, asked: busy }, new Set())).toEqual({
      kind: "as-wished",
      port: busy,
    });
  });

  it("a default that another starting system will listen on is busy already", async (context) => {
    if (process.platform !== "linux") return context.skip("ports are spoken for on Linux alone");
    const free = (await choosePort({ ...wish, asked: 0 }, new Set())).port;
    const other = await choosePort({ ...wish, defaultPort: free }, new Set());
    const own = await choosePort({ ...wish, defaultPort: free }, new Set());
    expect(own.port).not.toBe(other.port);
    expect(own).toMatchObject({ kind: "moved", from: free });
  });

  it("0 picks a free one that nobody has yet", async () => {
    const taken = new Set<number>();
    const ports = [];
    for (let i = 0; i < 5; i += 1)
      ports.push((await choosePort({ ...wish, asked: 0 }, taken)).port);
    expect(new Set(ports).size).toBe(5);
  });
});

describe("what a killed run left behind", () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });
  const sleeper = (): ChildProcess => {
    const child = spawn("/bin/sleep", ["600"], { detached: true, stdio: "ignore" });
    children.push(child);
    return child;
  };

  it("is ended by the next start, and strangers with a recorded pid are not", async () => {
    const ours = sleeper();
    const stranger = sleeper();
    const record = {
      up: { pid: 1, start: "" },
      children: [
        { name: "agent", pid: ours.pid, start: startOf(ours.pid ?? 0) },
        { name: "store", pid: stranger.pid, start: "another start" },
        { name: "collector", pid: 999_999_999, start: "gone" },
      ],
    };
    writeFileSync(join(folder, "processes.json"), JSON.stringify(record));
    const gone = once(ours, "exit");
    expect(await endLeftovers(folder, { clock: systemClock })).toEqual(["agent"]);
    await gone;
    expect(startOf(stranger.pid ?? 0)).toBeDefined();
  });

  it("includes what a dead leader had started, for its group lives on", () => {
    const table = [
      { pid: 11, parent: 1, group: 10, start: "b" },
      { pid: 20, parent: 1, group: 20, start: "other" },
      { pid: 21, parent: 20, group: 20, start: "c" },
    ];
    const recorded = [
      { name: "retrainer", pid: 10, start: "a" },
      { name: "agent", pid: 20, start: "mine" },
    ];
    expect(survivors(recorded, table).map(({ pid }) => pid)).toEqual([11]);
  });

  it("is told from a stat line, whatever the command is called", () => {
    const rest = Array.from({ length: 50 }, (_, index) => String(index + 6)).join(" ");
    expect(entryOfStat(`42 (a ) b) S 7 41 ${rest}`, "boot")).toEqual([
      { pid: 42, parent: 7, group: 41, start: "22@boot" },
    ]);
    expect(entryOfStat(`42 (a) Z 7 41 ${rest}`, "boot")).toEqual([]);
  });
});

it("residentBytes() counts a process and all below it", async () => {
  const alone = await residentBytes(process.pid);
  const script = "const kept = Buffer.alloc(150e6, 1); process.send(kept.length);";
  const child = spawn(process.execPath, ["-e", `${script} setInterval(() => kept, 1e3)`], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await once(child, "message");
  const together = await residentBytes(process.pid);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(alone).toBeGreaterThan(20e6);
  expect(together - alone).toBeGreaterThan(130e6);
});
