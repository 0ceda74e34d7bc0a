/** The agent as a process. */
import { collectBuffersWithHeap, collectOldObjectsSoon } from "../runtime/buffer-memory.ts";
import { runService } from "../runtime/service.ts";
import { AgentConfig } from "./config.ts";
import { startAgent } from "./start-agent.ts";

collectBuffersWithHeap();
collectOldObjectsSoon();
await runService({ name: "agent", config: AgentConfig, start: startAgent });
