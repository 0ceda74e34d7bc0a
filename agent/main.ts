/** The agent as a process. */
import { runService } from "../runtime/service.ts";
import { AgentConfig } from "./config.ts";
import { startAgent } from "./start-agent.ts";

await runService({ name: "agent", config: AgentConfig, start: startAgent });
