/** For alerts of the service: requests, errors and latency in the hours around it. */
import type { AlertDetail } from "../../../contract/alert.ts";
import type { OperationsView } from "../../../contract/operations-view.ts";
import { SECONDS, useLive } from "../../api/live.ts";
import { Part } from "../../parts/figures.tsx";
import { Show } from "../../parts/states.tsx";
import { TrafficCharts } from "../../parts/traffic.tsx";
import { apiOf } from "../../route.ts";

const SERVICE_KINDS = new Set(["error-share", "latency", "volume", "no-traffic", "blind-agent"]);
const AROUND_MS = 6 * 3_600_000;

export function AroundPart({ alert }: { readonly alert: AlertDetail }) {
  const fromMs = Date.parse(alert.from) - AROUND_MS;
  const toMs = Date.parse(alert.to ?? alert.from) + AROUND_MS;
  const span = `from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`;
  const isOfService = SERVICE_KINDS.has(alert.kind);
  const live = useLive<OperationsView>(
    isOfService ? `${apiOf(alert.model)}/operations?${span}` : null,
    SECONDS.sometimes,
  );
  if (!isOfService) return null;
  return (
    <Part title="The hours around it" about="Six hours before and after.">
      <Show live={live} what="the hours around it">
        {(operations) => <TrafficCharts operations={operations} group={alert.id} />}
      </Show>
    </Part>
  );
}
