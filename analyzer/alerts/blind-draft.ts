/** The words of a blind agent's alert. */
import type { AgentState } from "../rules/blind-agents.ts";
import type { AlertDraft } from "./alert-book.ts";

export function blindDraft(state: AgentState, nowMs: number): AlertDraft {
  const silentS = state.kind === "blind" ? Math.round((nowMs - state.sinceMs) / 1000) : 0;
  const spools = state.kind === "blind" ? state.spools : 0;
  return {
    kind: "blind-agent",
    subject: "",
    severity: "page",
    cause: "unknown",
    title: `No agent of this model speaks since ${silentS} s`,
    text: `${spools} agent(s) carried this model's traffic; the last one was heard ${silentS} s ago`,
    cost: "nothing is seen of the model; what its server does is unknown",
    causeText: "the agent or its connection to NATS; the model may serve as always",
    where: "all rows",
    certainty: "agents speak every two seconds while they live",
    loop: "checks wait: no new labels or predictions arrive",
    numbers: { silentS, spools },
    finding: null,
    windows: [],
  };
}
