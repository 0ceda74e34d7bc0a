import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { processEnvironment } from "../../runtime/env.ts";

const bootstrap = resolve(import.meta.dirname, "..", "..", "cli", "bootstrap");
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-bootstrap-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a few lines under this Node with an environment of their own; answers stdout and stderr. */
async function evaluate(script: string, env: Record<string, string>): Promise<string> {
  // Where Node itself needs a library of the cache, it is found by this.
  const libraries = processEnvironment()["LD_LIBRARY_PATH"];
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env: libraries === undefined ? env : { ...env, LD_LIBRARY_PATH: libraries },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((done) => child.once("close", done));
  return output;
}

const ensure = (fetchFile: string): string => `
  import { ensureNatsServer } from ${JSON.stringify(join(bootstrap, "nats-server.mjs"))};
  import { join } from "node:path";
  process.getuid = () => 1000;
  try {
    console.log("found", await ensureNatsServer(${JSON.stringify(join(folder, "cache"))},
      { fetch: true, fetchFile: ${fetchFile} }));
  } catch (error) { console.log(error.message); }`;

/** Two files of which the second is ours, deflated and stored; written by Python's zipfile. */
const ZIPS = [
  "UEsDBBQAAAAIAAAAIVzheHJ7CQAAAAcAAAAOAAAAbmF0cy12MS9SRUFETUUrSk1MUchNBQBQSwMEFAAAAAgAAAAhXIxKfIUMAAAAjAAAABcAAABuYXRzLXYxL2Jpbi9uYXRzLXNlcnZlckvKzEssquRKGgwUAFBLAQIUAxQAAAAIAAAAIVzheHJ7CQAAAAcAAAAOAAAAAAAAAAAAAACAAQAAAABuYXRzLXYxL1JFQURNRVBLAQIUAxQAAAAIAAAAIVyMSnyFDAAAAIwAAAAXAAAAAAAAAAAAAACAATUAAABuYXRzLXYxL2Jpbi9uYXRzLXNlcnZlclBLBQYAAAAAAgACAIEAAAB2AAAAAAA=",
  "UEsDBBQAAAAAAAAAIVzheHJ7BwAAAAcAAAAOAAAAbmF0cy12MS9SRUFETUVyZWFkIG1lUEsDBBQAAAAAAAAAIVyMSnyFjAAAAIwAAAAXAAAAbmF0cy12MS9iaW4vbmF0cy1zZXJ2ZXJiaW5hcnkKYmluYXJ5CmJpbmFyeQpiaW5hcnkKYmluYXJ5CmJpbmFyeQpiaW5hcnkKYmluYXJ5CmJpbmFyeQpiaW5hcnkKYmluYXJ5CmJpbmFyeQpiaW5hcnkKYmluYXJ5CmJpbmFyeQpiaW5hcnkKYmluYXJ5CmJpbmFyeQpiaW5hcnkKYmluYXJ5ClBLAQIUAxQAAAAAAAAAIVzheHJ7BwAAAAcAAAAOAAAAAAAAAAAAAACAAQAAAABuYXRzLXYxL1JFQURNRVBLAQIUAxQAAAAAAAAAIVyMSnyFjAAAAIwAAAAXAAAAAAAAAAAAAACAATMAAABuYXRzLXYxL2Jpbi9uYXRzLXNlcnZlclBLBQYAAAAAAgACAIEAAAD0AAAAAAA=",
];

function fakeNatsServer(path: string, version: string): void {
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(path, 0o755);
}

describe("a machine without nats-server", () => {
  it("is told once what failed and what to do", async () => {
    const output = await evaluate(
      ensure('async () => { throw new Error("no answer within 5 s"); }'),
      { PATH: folder },
    );
    expect(output).toContain("not that way: no answer within 5 s");
    expect(output).toContain("not that way: no Go 1.21 or newer");
    expect(output).toContain("not that way: there is no pip");
    expect(output).toContain("not that way: we are not root, and never ask for it");
    expect(output).toContain(
      "Cannot set up as a nats-server (2.9 or newer) is needed, and none could be fetched:",
    );
    expect(output).toContain("Install nats-server so that it is on the PATH, or set NATS_SERVER");
  });

  it("never uses an archive whose digest is not the pinned one", async () => {
    const output = await evaluate(ensure('async () => Buffer.from("other bytes")'), {
      PATH: folder,
    });
    expect(output).toMatch(/not that way: its SHA-256 is [0-9a-f]{64}, not the pinned/);
    expect(output).toContain("none could be fetched");
  });

  it("settles for 2.9 on the PATH when nothing newer can be had, and remembers it", async () => {
    fakeNatsServer(join(folder, "nats-server"), "2.9.10");
    const none = 'async () => { throw new Error("unreachable"); }';
    const env = { PATH: folder };
    const first = await evaluate(ensure(none), env);
    expect(first).toContain(`found ${join(folder, "cache", "nats", "nats-server")}`);
    const second = await evaluate(ensure(none), env);
    expect(second).toBe(`found ${join(folder, "cache", "nats", "nats-server")}\n`);
  });

  it("takes NATS_SERVER at its word, and refuses what is none", async () => {
    const path = join(folder, "my-nats");
    fakeNatsServer(path, "2.12.1");
    expect(await evaluate(ensure("undefined"), { PATH: "/bin", NATS_SERVER: path })).toBe(
      `found ${path}\n`,
    );
    expect(await evaluate(ensure("undefined"), { PATH: "/bin", NATS_SERVER: "/bin/ls" })).toContain(
      'Cannot use NATS_SERVER as it must name a nats-server: "/bin/ls" does not answer --version',
    );
  });
});

describe("archives", () => {
  it("gives one file out of a tar.gz and out of a zip, packed or stored", async () => {
    const unpack = (await import(join(bootstrap, "unpack.mjs"))) as {
      fileOfTarGz(archive: Buffer, suffix: string): Buffer | undefined;
      fileOfZip(archive: Buffer, suffix: string): Buffer | undefined;
    };
    const content = Buffer.from("binary\n".repeat(20));
    mkdirSync(join(folder, "nats-v1", "bin"), { recursive: true });
    writeFileSync(join(folder, "nats-v1", "bin", "nats-server"), content);
    writeFileSync(join(folder, "nats-v1", "README"), "read me");
    execFileSync("tar", ["-cf", "a.tar", "nats-v1"], { cwd: folder });
    const archive = gzipSync(readFileSync(join(folder, "a.tar")));
    expect(unpack.fileOfTarGz(archive, "/nats-server")).toEqual(content);
    expect(unpack.fileOfTarGz(archive, "/absent")).toBeUndefined();
    for (const zip of ZIPS.map((text) => Buffer.from(text, "base64"))) {
      expect(unpack.fileOfZip(zip, "/bin/nats-server")).toEqual(content);
      expect(unpack.fileOfZip(zip, "/absent")).toBeUndefined();
    }
  });
});

it("two set-ups of one checkout wait for each other, a dead one's lock is taken", async () => {
  const lock = join(folder, "bootstrap.lock");
  writeFileSync(lock, "999999999\n");
  const script = `
    import { holdLock } from ${JSON.stringify(join(bootstrap, "lock.mjs"))};
    const release = await holdLock(${JSON.stringify(lock)});
    console.log("held");
    process.stdin.resume().on("end", () => { release(); console.log("released"); });`;
  const setUp = () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return { child, output: () => output };
  };
  const first = setUp();
  await expect.poll(() => first.output(), { timeout: 20_000 }).toBe("held\n");
  const second = setUp();
  await expect
    .poll(() => second.output(), { timeout: 20_000 })
    .toBe(
      `driftmend set-up: waiting for process ${first.child.pid}, which is setting up this checkout\n`,
    );
  first.child.stdin.end();
  await expect.poll(() => second.output(), { timeout: 20_000 }).toContain("held\n");
  second.child.stdin.end();
  await expect.poll(() => second.output(), { timeout: 20_000 }).toContain("released\n");
});
