/**
 * A real Alertmanager hears our alerts, the watchdog and the end of what was wrong, and tells a receiver of
 * its own; a real Prometheus loads the rules of deploy/, scrapes our metrics, and its tool tests the rules.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { parseChannels } from "../../analyzer/channels/channels-file.ts";
import { Notifications } from "../../analyzer/notify/notifications.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createHttpServer } from "../../runtime/http-server.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { seededRandom } from "../../runtime/random.ts";
import { change, documentOf } from "../analyzer/notify/support/notification-stage.ts";
import { startReceiver } from "../analyzer/notify/support/receiver.ts";
import { debianProgram, skip, withOwnShare } from "./support/debian-package.ts";

const RULES = resolve(import.meta.dirname, "..", "..", "deploy", "prometheus");
const children: ChildProcess[] = [];

function program(pkg: string, name: string): string {
  const found = debianProgram(pkg, name);
  return "path" in found ? found.path : skip(found.missing);
}
const alertmanager = program("prometheus-alertmanager", "prometheus-alertmanager");
const prometheus = program("prometheus", "prometheus");
const promtool = program("prometheus", "promtool");
const wrapped = withOwnShare("prometheus-alertmanager", alertmanager);
const server = "missing" in wrapped ? skip(wrapped.missing) : wrapped;
const folder = mkdtempSync(join(tmpdir(), "driftmend-peers-"));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

function run(path: string, args: readonly string[]): void {
  const child = spawn(path, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.on("data", (part: Buffer) => (said = (said + part.toString()).slice(-2_000)));
  child.once("exit", (code) => {
    if (code !== null && code !== 0) process.stderr.write(`${path} ended with ${code}: ${said}\n`);
  });
  children.push(child);
}

async function until<T>(what: string, look: () => Promise<T | null | false>): Promise<T> {
  for (let tried = 0; tried < 240; tried++) {
    const found = await look().catch(() => null);
    if (found !== null && found !== false) return found;
    await systemClock.sleep(250);
  }
  throw new Error(`not seen within a minute: ${what}`);
}

const Alerts = z.array(
  z.looseObject({
    labels: z.record(z.string(), z.string()),
    status: z.looseObject({ state: z.string() }),
  }),
);
const getJson = async (url: string): Promise<unknown> => (await fetch(url)).json();

async function main(): Promise<void> {
  for (const args of [
    ["check", "rules", "driftmend.rules.yml"],
    ["test", "rules", "driftmend.rules.test.yml"],
  ]) {
    execFileSync(promtool, args, { cwd: RULES, stdio: "pipe" });
  }
  process.stdout.write("ok  promtool checks and tests the rules of deploy/prometheus\n");

  await using receiver = await startReceiver();
  const port = await freePort();
  const at = `http://127.0.0.1:${port}`;
  writeFileSync(
    join(folder, "alertmanager.yml"),
    `route: { receiver: us, group_by: [alertname, cause], group_wait: 1s, group_interval: 2s }
receivers: [{ name: us, webhook_configs: [{ url: "${receiver.url}", send_resolved: true }] }]
`,
  );
  run(server.path, [
    ...server.args,
    "--config.file=alertmanager.yml",
    "--storage.path=alertmanager",
    `--web.listen-address=127.0.0.1:${port}`,
    "--cluster.listen-address=",
  ]);
  await until("Alertmanager is ready", async () => (await fetch(`${at}/-/ready`)).ok);

  const metrics = createMetrics("analyzer");
  const notifications = new Notifications(
    {
      book: parseChannels(
        `channels: { alertmanager/main: { url: "${at}", heartbeat: 10s } }\ndefaults: { page: alertmanager/main }`,
        "channels.yaml",
        {},
      ),
      ...{ webhookUrl: undefined, webhookSecret: undefined, journalPath: ":memory:" },
    },
    {
      ...{ clock: systemClock, random: seededRandom(1), logger: silentLogger, metrics },
      unwell: () => null,
    },
  );
  const stop = systemClock.every(500, () => notifications.tick());
  const nothing = () => Promise.resolve({ changes: [], checks: [] });
  const alertsNow = async () => Alerts.parse(await getJson(`${at}/api/v2/alerts`));
  const named = (alerts: z.infer<typeof Alerts>, name: string) =>
    alerts.find(({ labels }) => labels["alertname"] === name) ?? null;

  await until("the watchdog fires", async () => named(await alertsNow(), "DriftmendWatchdog"));
  process.stdout.write("ok  the watchdog fires in Alertmanager\n");
  await notifications.tell([change("firing")], documentOf("fraud"), nothing);
  const told = await until("our alert", async () =>
    named(await alertsNow(), "DriftmendErrorShare"),
  );
  assert.deepEqual(told.labels, {
    ...{ alertname: "DriftmendErrorShare", model: "fraud", kind: "error-share" },
    ...{ cause: "unknown", severity: "page" },
  });
  assert.equal(told.status.state, "active");
  const hears = (state: string) =>
    until(`its receiver hears that it is ${state}`, () =>
      Promise.resolve(
        receiver.received.some(
          ({ text }) =>
            text.includes(`"status":"${state}"`) && text.includes("DriftmendErrorShare"),
        ),
      ),
    );
  await hears("firing");
  process.stdout.write(
    "ok  an alert shows up in Alertmanager with its labels, and reaches its receiver\n",
  );
  await notifications.tell([change("resolved")], documentOf("fraud"), nothing);
  await until("it is gone", async () => named(await alertsNow(), "DriftmendErrorShare") === null);
  await hears("resolved");
  process.stdout.write("ok  it is resolved there when it is over\n");
  await scrapedBy(metrics, at);
  stop();
  await notifications.idle();
  notifications.close();
}

/** A real Prometheus loads the rules, sees our metrics, and alerts at the same Alertmanager. */
async function scrapedBy(
  metrics: ReturnType<typeof createMetrics>,
  alertmanagerUrl: string,
): Promise<void> {
  const http = createHttpServer(
    { host: "127.0.0.1", port: 0, tokens: { token: undefined, readToken: undefined } },
    { logger: silentLogger, metrics },
  );
  const target = await http.listen();
  const port = await freePort();
  writeFileSync(
    join(folder, "prometheus.yml"),
    `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ["${join(RULES, "driftmend.rules.yml")}"]
alerting: { alertmanagers: [{ static_configs: [{ targets: ["${new URL(alertmanagerUrl).host}"] }] }] }
scrape_configs: [{ job_name: driftmend-analyzer, static_configs: [{ targets: ["${new URL(target).host}"] }] }]
`,
  );
  run(prometheus, [
    "--config.file=prometheus.yml",
    "--storage.tsdb.path=prometheus",
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  const at = `http://127.0.0.1:${port}`;
  const Rules = z.object({
    data: z.object({
      groups: z.array(
        z.object({ rules: z.array(z.looseObject({ name: z.string(), health: z.string() })) }),
      ),
    }),
  });
  const rules = await until("the rules are evaluated", async () => {
    const { data } = Rules.parse(await getJson(`${at}/api/v1/rules`));
    const all = data.groups.flatMap((group) => group.rules);
    return all.length > 0 && all.every(({ health }) => health === "ok") ? all : null;
  });
  process.stdout.write(`ok  Prometheus evaluates ${rules.length} rules without an error\n`);
  const Found = z.object({ data: z.object({ result: z.array(z.unknown()) }) });
  const query = encodeURIComponent(
    'driftmend_analyzer_channel_up{channel="alertmanager/main"} == 1',
  );
  await until("our metrics", async () => {
    const { data } = Found.parse(await getJson(`${at}/api/v1/query?query=${query}`));
    return data.result.length === 1;
  });
  process.stdout.write("ok  it scrapes our metrics: the channel is up\n");
  await http.close();
}

try {
  await main();
} finally {
  for (const child of children) child.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
