/**
 * Whether a partition may be dropped. A group that is stored may be replayed until others are newer (docs/recovery.md):
 * where its rows lay in the partition, recovery would count them as lost and put them back. What is still to come is no
 * reason: late rows make a new partition of the same name. Pure.
 */
import { roughSpan } from "../../contract/duration.ts";
import { TABLE_SHAPES, type ArchivedTable } from "../../store/queries/archive.ts";
import { spanOfPartition } from "./span-of-partition.ts";

export const DROP_AGE_MS_MIN = 86_400_000;

export interface ReplayableGroup {
  readonly shard: number;
  readonly n: number;
  readonly predictions: number;
  readonly labels: number;
  readonly from: number;
  readonly to: number;
  readonly labels_from: number;
  readonly labels_to: number;
}

export interface DropFacts {
  readonly nowMs: number;
  /** The newest groups of every shard, as many as recovery looks at. */
  readonly groups: readonly ReplayableGroup[];
  /** Rows in the partition that belong to one of these groups. */
  readonly rowsOfGroups: number;
  /** Clocks of the models that are in replay and have rows in the partition. */
  readonly replays: readonly { readonly model: string; readonly time: number }[];
}

export type MayDrop = { readonly kind: "yes" } | { readonly kind: "no"; readonly reason: string };

export function mayDrop(table: ArchivedTable, partition: string, facts: DropFacts): MayDrop {
  const span = spanOfPartition(partition);
  const young = (clock: string): MayDrop => ({
    kind: "no",
    reason: `it ends at ${new Date(span.to).toISOString()}, less than ${roughSpan(DROP_AGE_MS_MIN)} before ${clock}`,
  });
  if (facts.nowMs < span.to + DROP_AGE_MS_MIN) return young("now");
  const replay = facts.replays.find(({ time }) => time < span.to + DROP_AGE_MS_MIN);
  if (replay !== undefined) return young(`the clock of "${replay.model}"`);
  const group = facts.groups.find((one) => touches(table, one, span));
  if (group !== undefined) {
    return {
      kind: "no",
      reason: `group ${group.n} of shard ${group.shard} has rows in it and may be replayed until ${facts.groups.length} others are newer`,
    };
  }
  if (facts.rowsOfGroups > 0) {
    return {
      kind: "no",
      reason: `${facts.rowsOfGroups} of its rows belong to groups that may be replayed`,
    };
  }
  return { kind: "yes" };
}

function touches(
  table: ArchivedTable,
  group: ReplayableGroup,
  span: { readonly from: number; readonly to: number },
): boolean {
  switch (TABLE_SHAPES[table].span) {
    case "predictions":
      return group.predictions > 0 && group.from < span.to && group.to >= span.from;
    case "labels":
      return group.labels > 0 && group.labels_from < span.to && group.labels_to >= span.from;
    case "none":
      return false;
  }
}
