/** Subscribes to what the services and the replay say, and prints the story. */
import { AlertMessage, ReplayMessage, RunMessage } from "../../../contract/messages.ts";
import { subjects } from "../../../contract/subjects.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/logger.ts";
import { connectNats } from "../../../runtime/nats.ts";
import type { Paint } from "../../paint.ts";
import { type HowTyped, asTyped } from "../../typed-command.ts";
import { NOTHING_TOLD, type StoryEvent, type Told, tell } from "./tell.ts";
import type { Terminal } from "./terminal.ts";

export interface FollowDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly terminal: Terminal;
  readonly paint: Paint;
  readonly typed: HowTyped;
}

/** Follows until the returned function is called. */
export async function followStory(natsUrl: string, deps: FollowDeps): Promise<() => Promise<void>> {
  const nats = await connectNats({ url: natsUrl, name: "up" }, deps);
  let told: Told = NOTHING_TOLD;
  const on = (event: StoryEvent): void => {
    const next = tell(told, event, deps.paint);
    told = next.told;
    for (const line of next.lines) deps.terminal.line(asTyped(line, deps.typed));
    if (event.kind === "replay") deps.terminal.progress(told.progress);
  };
  nats.subscribe(subjects.all("alert"), AlertMessage, (message) => on({ kind: "alert", message }));
  nats.subscribe(subjects.all("run"), RunMessage, (message) => on({ kind: "run", message }));
  nats.subscribe(subjects.all("replay"), ReplayMessage, (message) =>
    on({ kind: "replay", message, atMs: deps.clock.monotonicMs() }),
  );
  return () => nats.close();
}
