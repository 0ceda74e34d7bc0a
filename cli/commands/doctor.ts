/** `driftmend doctor`: every dependency, whether it is well, and what to do where it is not. */
import { execFileSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LabelsView } from "../../contract/label-views.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { natsAddress } from "../../runtime/nats-address.ts";
import { connectNats } from "../../runtime/nats.ts";
import { findNatsServer } from "../../runtime/nats-server.ts";
import type { CommandContext } from "../command-context.ts";
import { formatBytes } from "../format.ts";
import { type Remote, answer, connectRemote, withStore } from "../remote.ts";
import { renderTable } from "../table.ts";
import { asTyped } from "../typed-command.ts";
import { judgeClock, readClock } from "./doctor-clocks.ts";
import { judgePull } from "./doctor-labels.ts";
import { ScrapeState, judgeScrapes } from "./doctor-scrapes.ts";
import { judgeRecords } from "./doctor-records.ts";
import { SERVICES } from "../up/upstream-of.ts";

interface Finding {
  readonly what: string;
  readonly state: "ok" | "warning" | "wrong";
  readonly detail: string;
  /** What to do about it; null where nothing is to be done. */
  readonly next: string | null;
}

const DISK_FREE_BYTES_MIN = 2 * 1024 ** 3;

export async function doctor(context: CommandContext): Promise<number> {
  const findings: Finding[] = [
    { what: "Node", state: "ok", detail: process.version, next: null },
    attempt("nats-server", NEXT.natsServer, () => {
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
    return [{ what: "system", ...failed(error, NEXT.system) }];
  }
  const checks: Promise<Finding>[] = [
    readiness(remote),
    ...SERVICES.map((service) => selfOf(remote, service)),
  ];
  const findings = await Promise.all(checks);
  findings.push(
    ...(await recordsOf(remote)),
    ...(await labelsOf(remote, context.clock.nowMs())),
    ...(await scrapesOf(remote)),
    ...(await channelsOf(remote)),
    ...(await ofFolder(remote)),
  );
  const places =
    remote.found.kind === "remote"
      ? [["the gateway", remote.api.url] as const]
      : [
          ["the gateway", remote.api.url] as const,
          ["the agent", remote.found.ready.otlpHttp] as const,
        ];
  for (const [where, url] of places) {
    const reading = await readClock(where, url, context.clock);
    if (reading !== null) findings.push({ what: "clock", ...judgeClock(reading) });
  }
  if (remote.found.kind === "remote") return findings;
  const { ready } = remote.found;
  findings.push(
    await attemptAsync("ClickHouse", NEXT.store, () =>
      withStore(context, ready, async (store) => {
        await store.ping();
        return ready.clickhouse.url;
      }),
    ),
    await attemptAsync("NATS", NEXT.nats, async () => {
      const nats = await connectNats({ url: ready.nats, name: "doctor" }, { logger: silentLogger });
      const { streams } = await nats.manager.getAccountInfo();
      await nats.close();
      return `${natsAddress(ready.nats).shown}, ${streams} streams`;
    }),
    disk(ready.dataDir),
  );
  return findings;
}

/** What came otherwise than its senders meant; nothing where the agent does not answer, which is said already. */
async function recordsOf(remote: Remote): Promise<Finding[]> {
  const self = await remote.api
    .request({ path: "/api/v1/self/agent", schema: TotalsOf })
    .catch(() => null);
  return judgeRecords(self?.totals ?? {}, self?.modelsOverFeatureLimit).map((found) => ({
    what: "records",
    ...found,
  }));
}

/** Pulls of labels; none where the analyzer does not answer, which is said already. */
async function labelsOf(remote: Remote, nowMs: number): Promise<Finding[]> {
  const labels = await remote.api
    .request({ path: "/api/v1/labels", schema: LabelsView })
    .catch(() => null);
  return (labels?.models ?? []).flatMap((of) => {
    const found = judgePull(of, nowMs);
    return found === null ? [] : [{ what: "labels", ...found }];
  });
}

/** Endpoints of model servers that are read, or are not. */
async function scrapesOf(remote: Remote): Promise<Finding[]> {
  const self = await remote.api
    .request({ path: "/api/v1/self/agent", schema: ScrapeOf })
    .catch(() => null);
  return judgeScrapes(self?.scrape ?? []).map((found) => ({ what: "metrics", ...found }));
}

const ScrapeOf = z.looseObject({ scrape: z.array(ScrapeState).prefault([]) });

const TotalsOf = z.looseObject({
  totals: z.record(z.string(), z.number()),
  modelsOverFeatureLimit: z.array(z.string()).prefault([]),
});

/** What may be wrong with the documents of the folder that the analyzer watches. */
async function ofFolder(remote: Remote): Promise<Finding[]> {
  const self = await remote.api
    .request({ path: "/api/v1/self/analyzer", schema: FolderOf })
    .catch(() => null);
  const folder = self?.documentFolder ?? null;
  if (folder === null) return [];
  if (folder.problems.length === 0) {
    const detail = `${folder.documents} of "${folder.path}" hold`;
    return [{ what: "documents", state: "ok", detail, next: null }];
  }
  return folder.problems.map(({ from, error }) => ({
    what: "documents",
    state: "wrong",
    detail: `"${from}" is not taken: ${error}`,
    next: "Correct the file; until then what held before holds",
  }));
}

const FolderOf = z.looseObject({
  documentFolder: z
    .looseObject({
      path: z.string(),
      documents: z.number(),
      problems: z.array(z.looseObject({ from: z.string(), error: z.string() })),
    })
    .nullish(),
});

function disk(dataDir: string): Finding {
  const { bavail, bsize } = statfsSync(dataDir);
  const free = bavail * bsize;
  const detail = `${formatBytes(free)} free at ${dataDir}`;
  return free >= DISK_FREE_BYTES_MIN
    ? { what: "disk", state: "ok", detail, next: null }
    : { what: "disk", state: "warning", detail, next: NEXT.disk };
}

/** What to do about each, said where it is wrong. */
const NEXT = {
  natsServer: "Run npm start in the checkout, which fetches one, or name a binary by NATS_SERVER",
  system: 'Start it: npm start, or "driftmend up"; or name it by DRIFTMEND_URL and DRIFTMEND_TOKEN',
  gateway:
    'Wait some seconds while services start; then "driftmend status" names the one that does not',
  service: "It is restarted by itself; logs/<name>.log in the data directory says why it ended",
  store: "Look into logs/store.log; agents keep everything in their spools meanwhile",
  nats: "Look into logs/nats-server.log; agents keep everything in their spools meanwhile",
  disk: "Make room: when it is full, agents answer 503 and nothing is lost",
} as const;

const Readiness = z.object({ status: z.string(), reason: z.string().optional() });

async function readiness(remote: Remote): Promise<Finding> {
  try {
    const response = await fetch(new URL("/readyz", remote.api.url));
    const { status, reason } = Readiness.parse(await response.json());
    const next = response.ok ? null : NEXT.gateway;
    return { what: "gateway", state: response.ok ? "ok" : "wrong", detail: reason ?? status, next };
  } catch (error) {
    return { what: "gateway", ...failed(error, NEXT.system) };
  }
}

function selfOf(remote: Remote, service: string): Promise<Finding> {
  return attemptAsync(service, NEXT.service, async () => {
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
        ? { what: name, state: "ok", detail: "takes alerts, as far as is known", next: null }
        : {
            what: name,
            state: "wrong",
            detail: `${lastError ?? "fails"}; ${waiting} alert changes wait`,
            next: 'Correct it (docs/alerts.md) and try "driftmend alerts test <model>".',
          },
    );
  } catch {
    return [];
  }
}

function attempt(what: string, next: string, look: () => string): Finding {
  try {
    return { what, state: "ok", detail: look(), next: null };
  } catch (error) {
    return { what, ...failed(error, next) };
  }
}

async function attemptAsync(
  what: string,
  next: string,
  look: () => Promise<string>,
): Promise<Finding> {
  try {
    return { what, state: "ok", detail: await look(), next: null };
  } catch (error) {
    return { what, ...failed(error, next) };
  }
}

/** What the error itself says to do comes first. */
function failed(error: unknown, next: string): Omit<Finding, "what"> {
  const own = error instanceof DriftmendError ? error.next : undefined;
  const detail = error instanceof Error ? error.message : String(error);
  return { state: "wrong", detail, next: own ?? next };
}

const STYLES = { ok: "green", warning: "yellow", wrong: "red" } as const;

function linesOf(findings: readonly Finding[], context: CommandContext): string[] {
  const toDo = findings.filter(({ next }) => next !== null);
  return [
    ...renderTable<Finding>(
      [
        { title: "state", value: ({ state }) => context.paint(STYLES[state], state) },
        { title: "what", value: ({ what }) => what },
        { title: "detail", value: ({ detail }) => detail },
      ],
      findings,
      { ...context, columns: Number.POSITIVE_INFINITY },
    ),
    ...(toDo.length === 0 ? [] : ["", context.paint("bold", "What to do")]),
    ...toDo.map(({ what, next }) => asTyped(`  ${what}: ${next}`, context.typed)),
  ];
}
