/** What only time or numbers show: memory over an hour, an agent that is sent ten times what it can take, a thousand agents. */
import type { Figure } from "./figure.ts";
import { manyAgents } from "./endurance/many-agents.ts";
import { overloadedAgent } from "./endurance/overloaded-agent.ts";
import { soak } from "./endurance/soak.ts";

export async function run(): Promise<Figure[]> {
  return [...(await overloadedAgent()), ...(await manyAgents()), ...(await soak())];
}
