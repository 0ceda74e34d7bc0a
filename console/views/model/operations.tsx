/** The service: requests, errors and latency, per version, over the last day or week of the model's time. */
import { useState } from "preact/hooks";
import type { OperationsView } from "../../../contract/operations-view.ts";
import { SECONDS, useLive } from "../../api/live.ts";
import { Choice, Part } from "../../parts/figures.tsx";
import { formatCount, formatShare } from "../../format/numbers.ts";
import { ResourceCharts, ServerFigures } from "../../parts/resources.tsx";
import { TrafficCharts, VersionTable } from "../../parts/traffic.tsx";
import { Empty, Show } from "../../parts/states.tsx";
import { apiOf } from "../../route.ts";
import type { Looked } from "../model.tsx";

const HOUR_MS = 3_600_000;
const SPANS = [
  { value: "24", text: "Day" },
  { value: "168", text: "Week" },
  { value: "2184", text: "13 weeks" },
] as const;

export function OperationsPart({ looked }: { readonly looked: Looked }) {
  const { model, watchedMs } = looked;
  const [hours, setHours] = useState<(typeof SPANS)[number]["value"]>("24");
  const endMs = Math.ceil(watchedMs / HOUR_MS) * HOUR_MS;
  const span = `from=${new Date(endMs - Number(hours) * HOUR_MS).toISOString()}&to=${new Date(endMs).toISOString()}`;
  const live = useLive<OperationsView>(
    `${apiOf(model.model)}/operations?${span}`,
    SECONDS.sometimes,
    String(watchedMs),
  );
  return (
    <Part
      id="service"
      title="Errors and latency"
      end={<Choice name="Span" options={SPANS} value={hours} choose={setHours} />}
    >
      <Show live={live} what="the service">
        {(operations) => (
          <>
            {operations.predictions === 0 ? (
              <Empty title="No requests in this span" />
            ) : (
              <>
                <SampleNote operations={operations} />
                <TrafficCharts operations={operations} group={`${model.model} service`} />
                <VersionTable operations={operations} />
              </>
            )}
            <ServerFigures operations={operations} />
            <ResourceCharts operations={operations} group={`${model.model} service`} />
          </>
        )}
      </Show>
    </Part>
  );
}

/** Figures are estimates where not every request was kept. */
function SampleNote({
  operations: { kept, predictions },
}: {
  readonly operations: OperationsView;
}) {
  if (kept === predictions) return null;
  return (
    <p class="note">
      Sampled {formatShare(kept / predictions)}: {formatCount(kept)} of about{" "}
      {formatCount(predictions)} requests are kept; what is shown is estimated from them.
    </p>
  );
}
