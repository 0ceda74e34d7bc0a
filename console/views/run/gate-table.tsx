/** Checks of a judge as a table: verdict, the sentence with its numbers, and champion beside challenger where both are told. */
import type { Gate, Verdict } from "../../../contract/run.ts";
import { formatFixed } from "../../format/numbers.ts";
import { Badge } from "../../parts/figures.tsx";

const TONES = { PASS: "good", FAIL: "bad", INCONCLUSIVE: "warn", ERROR: "bad" } as const;

export function GateTable(props: {
  readonly gates: readonly Gate[];
  readonly verdict: Verdict;
  readonly label: string;
}) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={props.label}>
      <table class="plain gate">
        <thead>
          <tr>
            <th scope="col">Check</th>
            <th scope="col">Verdict</th>
            <th scope="col" class="right">
              Champion
            </th>
            <th scope="col" class="right">
              Challenger
            </th>
            <th scope="col">What was found</th>
          </tr>
        </thead>
        <tbody>
          {props.gates.map((gate) => (
            <tr key={gate.name}>
              <th scope="row">{gate.name}</th>
              <td>
                <Badge tone={TONES[gate.verdict]}>{gate.verdict}</Badge>
              </td>
              <td class="right num">{numberOf(gate, "champion")}</td>
              <td class="right num">{numberOf(gate, "challenger")}</td>
              <td class="prose">{gate.text}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Together</th>
            <td colSpan={4}>
              <Badge tone={TONES[props.verdict]}>{props.verdict}</Badge>
            </td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function numberOf(gate: Gate, side: "champion" | "challenger"): string {
  const value = gate.numbers[side];
  if (typeof value !== "number") return "";
  return Number.isInteger(value) ? String(value) : formatFixed(value, 4);
}
