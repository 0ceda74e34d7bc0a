/** Both arms of a canary as columns over the same hours. */
import type { ArmHourView, CanaryView } from "../../contract/views.ts";

export type ArmMetric = "loss" | "errorShare" | "latencySeconds";

export interface ArmColumns {
  /** Starts of the hours in seconds. */
  readonly times: readonly number[];
  readonly champion: readonly (number | null)[];
  readonly challenger: readonly (number | null)[];
}

export function armColumns(
  arms: CanaryView["steps"][number]["arms"],
  metric: ArmMetric,
): ArmColumns {
  const hours = new Set([...arms.champion, ...arms.challenger].map(({ hour }) => Date.parse(hour)));
  const times = [...hours].sort((a, b) => a - b);
  const column = (own: readonly ArmHourView[]): (number | null)[] => {
    const byHour = new Map(own.map((hour) => [Date.parse(hour.hour), valueOf(hour, metric)]));
    return times.map((time) => byHour.get(time) ?? null);
  };
  return {
    times: times.map((ms) => ms / 1000),
    champion: column(arms.champion),
    challenger: column(arms.challenger),
  };
}

function valueOf(hour: ArmHourView, metric: ArmMetric): number | null {
  if (metric !== "errorShare") return hour[metric];
  return hour.requests === 0 ? null : hour.errors / hour.requests;
}
