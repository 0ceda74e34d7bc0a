/** Settings of the gateway where services run on their own: which of them answers where. */
import { z } from "zod";
import { wholeNumber } from "../../runtime/env.ts";
import { serviceSettings } from "../../runtime/service.ts";

const address = (service: string, port: number) =>
  z
    .url()
    .prefault(`http://127.0.0.1:${port}`)
    .meta({ description: `Address of the ${service}` });

export const GatewaySettings = z.object({
  ...serviceSettings,
  DRIFTMEND_PORT: wholeNumber(7400).meta({
    description: "Port of the one origin for the API of all services; 0 picks a free one",
  }),
  DRIFTMEND_AGENT_URL: address("agent", 4318),
  DRIFTMEND_COLLECTOR_URL: address("collector", 7402),
  DRIFTMEND_ANALYZER_URL: address("analyzer", 7403),
  DRIFTMEND_RETRAINER_URL: address("retrainer", 7404),
});
export type GatewaySettings = z.output<typeof GatewaySettings>;
