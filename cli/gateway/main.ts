/**
 * `driftmend gateway`: the one origin of `up` for services that run elsewhere. It keeps nothing and may run in
 * any number of copies.
 */
import { runService, tokensOf } from "../../runtime/service.ts";
import { createGateway } from "../up/gateway.ts";
import { pageDirectory } from "../up/page.ts";
import { type ServiceName, SERVICES } from "../up/upstream-of.ts";
import { GatewaySettings } from "./settings.ts";
import { askReadiness } from "./ask-readiness.ts";

await runService({
  name: "gateway",
  config: GatewaySettings,
  start: async (config, { clock, logger, metrics, lifecycle }) => {
    const urls: Readonly<Record<ServiceName, string>> = {
      agent: config.DRIFTMEND_AGENT_URL,
      collector: config.DRIFTMEND_COLLECTOR_URL,
      analyzer: config.DRIFTMEND_ANALYZER_URL,
      retrainer: config.DRIFTMEND_RETRAINER_URL,
    };
    const gateway = createGateway(
      {
        host: config.DRIFTMEND_HOST,
        port: config.DRIFTMEND_PORT,
        tokens: tokensOf(config, clock),
      },
      {
        logger,
        metrics,
        page: pageDirectory(),
        serviceUrl: (service) => urls[service],
        self: async () => ({
          service: "gateway",
          // Whoever runs the services knows their memory and their restarts.
          residentBytes: null,
          processes: await Promise.all(
            SERVICES.map(async (name) => ({
              ...{ name, url: urls[name], restarts: null },
              ...(await askReadiness(urls[name])),
            })),
          ),
        }),
      },
    );
    const url = await gateway.listen();
    lifecycle.defer("http", () => gateway.close());
    return { url };
  },
});
