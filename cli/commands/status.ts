/** `driftmend status`: what runs, how far behind it is, which models it sees. */
import { statfsSync } from "node:fs";
import { z } from "zod";
import type { CommandContext } from "../command-context.ts";
import { formatBytes } from "../format.ts";
import { pageUrl } from "../page-url.ts";
import { type Remote, answer, connectRemote } from "../remote.ts";
import { serviceLines } from "../service-lines.ts";
import { renderPairs, renderTable } from "../table.ts";
import { asTyped } from "../typed-command.ts";
import { SERVICES } from "../up/upstream-of.ts";
import { version } from "../version.ts";
import { listModels, modelTable } from "./models.ts";

const Process = z.looseObject({
  name: z.string(),
  kind: z.string(),
  url: z.string().nullable(),
  restarts: z.int().nullable(),
  pid: z.int().optional(),
  reason: z.string().optional(),
});
type Process = z.output<typeof Process>;

const UpSelf = z.looseObject({ residentBytes: z.number().nullable(), processes: z.array(Process) });

export async function status(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const [up, models, { alerts, total }, ...selves] = await Promise.all([
    remote.api.request({ path: "/api/v1/self", schema: UpSelf }),
    // The analyzer may be the one that is down, and this is where that is shown.
    listModels(remote).catch(() => []),
    firing(remote).catch(() => ({ alerts: [], total: 0 })),
    ...SERVICES.map(async (name) => [name, await selfOf(remote, name)] as const),
  ]);
  const services = Object.fromEntries(selves);
  const disk = diskOf(remote);
  const { found } = remote;
  const page = pageOf(found);
  const all = {
    ...{ url: remote.api.url, page, version: version() },
    ...up,
    ...{ disk, services, models, alerts },
  };
  const memory = up.residentBytes === null ? "" : `, ${formatBytes(up.residentBytes)} in memory`;
  const free = disk === null ? "" : `, ${formatBytes(disk.freeBytes)} of the disk free`;
  answer(context, remote, all, () => [
    `Driftmend ${version()} at ${context.paint("cyan", remote.api.url)}${memory}${free}`,
    ...(page === null ? [] : [`page ${context.paint("cyan", page)}`]),
    "",
    ...(models.length === 0
      ? ["No models yet: send predictions (docs/capture.md), or run the example with npm start"]
      : modelTable(models, context)),
    "",
    ...alertLines(alerts, total, context),
    ...renderPairs(
      SERVICES.map((name) => [name, serviceLines(name, services[name])] as const).flatMap(
        ([name, lines]) =>
          lines.map(
            (line, index) => [index === 0 ? name : "", asTyped(line, context.typed)] as const,
          ),
      ),
      context,
    ),
    "",
    ...processTable(up.processes, context),
    ...(isWell(up.processes)
      ? []
      : [
          "",
          `What to do about it: ${context.paint("cyan", asTyped("driftmend doctor", context.typed))}, docs/troubleshooting.md`,
        ]),
  ]);
  return isWell(up.processes) ? 0 : 1;
}

/** Where the page opens with the token that this command has; null for a system that was named without one. */
function pageOf(found: Remote["found"]): string | null {
  if (found.kind === "local") return pageUrl(found.ready);
  return found.token === null ? null : pageUrl({ url: found.url, token: found.token });
}

const Alert = z.looseObject({
  id: z.string(),
  model: z.string(),
  severity: z.string(),
  title: z.string(),
});
type Alert = z.output<typeof Alert>;

interface Firing {
  readonly alerts: readonly Alert[];
  /** Also those that the answer had no room for. */
  readonly total: number;
}

function firing(remote: Remote): Promise<Firing> {
  const schema = z.object({ alerts: z.array(Alert), total: z.int() });
  return remote.api.request({ path: "/api/v1/alerts?state=firing&limit=100", schema });
}

const SHOWN_MAX = 5;

/** The first few, and how many more: one screen is read, two are not. */
function alertLines(alerts: readonly Alert[], total: number, context: CommandContext): string[] {
  if (alerts.length === 0) return [context.paint("green", "Nothing is firing"), ""];
  const shown = alerts.slice(0, SHOWN_MAX).map(({ id, model, severity, title }) => {
    const style = severity === "page" ? "red" : "yellow";
    return `${context.paint(style, severity.padEnd(6))} ${model}: ${title} – ${asTyped(`"driftmend why ${id}"`, context.typed).replaceAll('"', "")}`;
  });
  const more = total - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more: driftmend alerts`] : []), ""];
}

/** Of the machine that the data lies on, where it is this one. */
function diskOf({ found }: Remote): { readonly freeBytes: number; readonly bytes: number } | null {
  if (found.kind === "remote") return null;
  const { bavail, blocks, bsize } = statfsSync(found.ready.dataDir);
  return { freeBytes: bavail * bsize, bytes: blocks * bsize };
}

const isWell = (processes: readonly Process[]): boolean =>
  processes.every(({ kind }) => kind === "ready" || kind === "ended");

async function selfOf(remote: Remote, service: string): Promise<unknown> {
  try {
    return await remote.api.request({ path: `/api/v1/self/${service}`, schema: z.unknown() });
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}

function processTable(processes: readonly Process[], context: CommandContext): string[] {
  return renderTable<Process>(
    [
      { title: "process", value: ({ name }) => name },
      {
        title: "state",
        value: ({ kind }) => context.paint(kind === "ready" ? "green" : "yellow", kind),
      },
      { title: "pid", value: ({ pid }) => String(pid ?? ""), align: "right" },
      { title: "restarts", value: ({ restarts }) => String(restarts ?? ""), align: "right" },
      { title: "where", value: ({ url, reason }) => reason ?? url ?? "" },
    ],
    processes,
    context,
  );
}
