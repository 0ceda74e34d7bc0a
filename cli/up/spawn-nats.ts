/** The nats-server as a supervised process; its log goes where those of the other children go. */
import { appendFileSync } from "node:fs";
import type { Clock } from "../../runtime/clock.ts";
import { type NatsServerOptions, startNatsServer } from "../../runtime/nats-server.ts";
import type { Exit } from "./after-exit.ts";
import { trimLog } from "./log-file.ts";
import type { Running } from "./running.ts";

/** Resolves once it accepts connections, so its `ready` is known already. */
export async function spawnNats(
  options: NatsServerOptions,
  context: { readonly clock: Clock; readonly logPath: string },
): Promise<Running> {
  const server = await startNatsServer(options, {
    clock: context.clock,
    line: (text) => {
      trimLog(context.logPath);
      appendFileSync(context.logPath, `${text}\n`);
    },
  });
  return {
    pid: server.pid,
    ready: Promise.resolve(server.url),
    exited: server.exited.then(exitOfText),
    terminate: () => void server.stop(),
    kill: () => void server.kill(),
  };
}

function exitOfText(how: string): Exit {
  const [, code] = /^exit code (\d+)$/.exec(how) ?? [];
  const [, signal] = /^signal (\w+)$/.exec(how) ?? [];
  return { code: code === undefined ? null : Number(code), signal: signal ?? null, said: null };
}
