/** `driftmend status`: what runs, how far behind it is, which models it sees. */
import { z } from "zod";
import type { CommandContext } from "../command-context.ts";
import { formatBytes } from "../format.ts";
import { pageUrl } from "../page-url.ts";
import { type Remote, answer, connectRemote } from "../remote.ts";
import { serviceLines } from "../service-lines.ts";
import { renderPairs, renderTable } from "../table.ts";
import { asTyped } from "../typed-command.ts";
import { SERVICES } from "../up/upstream-of.ts";
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
  const up = await remote.api.request({ path: "/api/v1/self", schema: UpSelf });
  const services = Object.fromEntries(
    await Promise.all(SERVICES.map(async (name) => [name, await selfOf(remote, name)] as const)),
  );
  // The analyzer may be the one that is down, and this is where that is shown.
  const models = await listModels(remote).catch(() => []);
  const { found } = remote;
  const page = found.kind === "local" ? pageUrl(found.ready) : null;
  const all = { url: remote.api.url, page, ...up, services, models };
  answer(context, remote, all, () => [
    `Driftmend at ${context.paint("cyan", remote.api.url)}${up.residentBytes === null ? "" : `, ${formatBytes(up.residentBytes)} in memory`}`,
    ...(page === null ? [] : [`page ${context.paint("cyan", page)}`]),
    "",
    ...(models.length === 0
      ? ["No models yet: send predictions (docs/capture.md), or run the example with npm start"]
      : modelTable(models, context)),
    "",
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
