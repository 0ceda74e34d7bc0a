/** `driftmend doctor`: every dependency, whether it is well, and what to do where it is not. */
import { execFileSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { z } from "zod";
import { describeError } from "../../contract/driftmend-error.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { natsAddress } from "../../runtime/nats-address.ts";
import { connectNats } from "../../runtime/nats.ts";
import { findNatsServer } from "../../runtime/nats-server.ts";
import type { CommandContext } from "../command-context.ts";
import { formatBytes } from "../format.ts";
import { type Remote, answer, connectRemote, withStore } from "../remote.ts";
import { renderTable } from "../table.ts";
import { SERVICES } from "../up/upstream-of.ts";

interface Finding {
  readonly what: string;
  readonly state: "ok" | "warning" | "wrong";
  readonly detail: string;
}

const DISK_FREE_BYTES_MIN = 2 * 1024 ** 3;

export async function doctor(context: CommandContext): Promise<number> {
  const findings: Finding[] = [
    { what: "Node", state: "ok", detail: process.version },
    attempt("nats-server", () => {
      const binary = findNatsServer(context.env);
      return execFileSync(binary, ["--version"], { encoding: "utf8" }).trim();
    }),
    ...(await ofSystem(context)),
  ];
  const json = context.options["json"] === true;
  answer(context, { json }, findings, () => linesOf(findings, context));
  return findings.some(({ state }) => state === "wrong") ? 1 : 0;
}

async function ofSystem(context: CommandContext): Promise<Finding[]> {
  let remote: Remote;
  try {
    remote = connectRemote(context);
  } catch (error) {
    return [{ what: "system", state: "wrong", detail: describeError(error) }];
  }
  const checks: Promise<Finding>[] = [
    readiness(remote),
    ...SERVICES.map((service) => selfOf(remote, service)),
  ];
  const findings = [...(await Promise.all(checks)), ...(await channelsOf(remote))];
  if (remote.found.kind === "remote") return findings;
  const { ready } = remote.found;
  findings.push(
    await attemptAsync("ClickHouse", () =>
      withStore(context, ready, async (store) => {
        await store.ping();
        return ready.clickhouse.url;
      }),
    ),
    await attemptAsync("NATS", async () => {
      const nats = await connectNats({ url: ready.nats, name: "doctor" }, { logger: silentLogger });
      const { streams } = await nats.manager.getAccountInfo();
      await nats.close();
      return `${natsAddress(ready.nats).shown}, ${streams} streams`;
    }),
    disk(ready.dataDir),
  );
  return findings;
}

function disk(dataDir: string): Finding {
  const { bavail, bsize } = statfsSync(dataDir);
  const free = bavail * bsize;
  const detail = `${formatBytes(free)} free at ${dataDir}`;
  return free >= DISK_FREE_BYTES_MIN
    ? { what: "disk", state: "ok", detail }
    : {
        what: "disk",
        state: "warning",
        detail: `${detail}: make room; when it is full, agents answer 503 and nothing is lost`,
      };
}

const Readiness = z.object({ status: z.string(), reason: z.string().optional() });

async function readiness(remote: Remote): Promise<Finding> {
  try {
    const response = await fetch(new URL("/readyz", remote.api.url));
    const { status, reason } = Readiness.parse(await response.json());
    return { what: "gateway", state: response.ok ? "ok" : "wrong", detail: reason ?? status };
  } catch (error) {
    return {
      what: "gateway",
      state: "wrong",
      detail: `${remote.api.url}: ${describeError(error)}`,
    };
  }
}

function selfOf(remote: Remote, service: string): Promise<Finding> {
  return attemptAsync(service, async () => {
    await remote.api.request({ path: `/api/v1/self/${service}`, schema: z.unknown() });
    return "answers";
  });
}

const Notifications = z.looseObject({
  notifications: z.looseObject({
    channels: z.array(
      z.looseObject({
        name: z.string(),
        up: z.boolean(),
        waiting: z.number(),
        lastError: z.string().nullable(),
      }),
    ),
  }),
});

/** Channels of alerts; none where the analyzer does not answer, which is said already. */
async function channelsOf(remote: Remote): Promise<Finding[]> {
  try {
    const path = "/api/v1/self/analyzer";
    const { notifications } = await remote.api.request({ path, schema: Notifications });
    return notifications.channels.map(({ name, up, waiting, lastError }) =>
      up
        ? { what: name, state: "ok", detail: "takes alerts, as far as is known" }
        : {
            what: name,
            state: "wrong",
            detail: `${lastError ?? "fails"}; ${waiting} alert changes wait: correct it (docs/alerts.md) and try "driftmend alerts test <model>"`,
          },
    );
  } catch {
    return [];
  }
}

function attempt(what: string, look: () => string): Finding {
  try {
    return { what, state: "ok", detail: look() };
  } catch (error) {
    return { what, state: "wrong", detail: describeError(error) };
  }
}

async function attemptAsync(what: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { what, state: "ok", detail: await look() };
  } catch (error) {
    return { what, state: "wrong", detail: describeError(error) };
  }
}

const STYLES = { ok: "green", warning: "yellow", wrong: "red" } as const;

function linesOf(findings: readonly Finding[], context: CommandContext): string[] {
  return renderTable<Finding>(
    [
      { title: "state", value: ({ state }) => context.paint(STYLES[state], state) },
      { title: "what", value: ({ what }) => what },
      { title: "detail", value: ({ detail }) => detail },
    ],
    findings,
    { ...context, columns: Number.POSITIVE_INFINITY },
  );
}
