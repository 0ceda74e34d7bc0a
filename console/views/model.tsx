/** One model: how it fares now, its time line, and what its inputs, segments and service do. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ModelView, ModelsView, PerformanceView } from "../../contract/views.ts";
import { type Live, SECONDS, useCalm, useLive } from "../api/live.ts";
import { Choice } from "../parts/figures.tsx";
import { ProblemBox, Show } from "../parts/states.tsx";
import { apiOf } from "../route.ts";
import { DriftPart } from "./model/drift.tsx";
import { ModelHead } from "./model/head.tsx";
import { OperationsPart } from "./model/operations.tsx";
import { QualityPart } from "./model/quality.tsx";
import { SegmentsPart } from "./model/segments.tsx";
import { TimeLinePart } from "./model/time-line.tsx";

const WEEK_MS = 7 * 86_400_000;

/** What all parts of the view look at. */
export interface Looked {
  readonly model: ModelView;
  /** Up to when it is evaluated; newer ones are taken over every few seconds. */
  readonly analyzed: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The model's time as far as its minutes are judged; days may lie far behind it. */
  readonly watchedMs: number;
  readonly grain: "day" | "week" | "fortnight";
}

const SPANS = [
  { value: "13", text: "13 weeks" },
  { value: "26", text: "26 weeks" },
  { value: "53", text: "1 year" },
] as const;
const GRAINS = [
  { value: "day", text: "Days" },
  { value: "week", text: "Weeks" },
  { value: "fortnight", text: "Fortnights" },
] as const;

type Weeks = (typeof SPANS)[number]["value"];

export function ModelPage({ model: name }: { readonly model: string }) {
  const [weeks, setWeeks] = useState<Weeks>("13");
  const [grain, setGrain] = useState<Looked["grain"]>("week");
  const live = useLive<ModelsView>("/api/v1/models", SECONDS.often);
  const known = live.status === "ready" || live.status === "stale" ? live.data.models : [];
  const analyzed = known.find(({ model }) => model === name)?.analyzed ?? null;
  // Asked for beside the model rather than after it: it says by itself up to where the model is analysed.
  const performance = useLive<PerformanceView>(
    `${apiOf(name)}/performance?grain=${grain}&scope=all-rows&weeks=${weeks}`,
    SECONDS.seldom,
    useCalm(analyzed, SECONDS.sometimes) ?? "",
  );
  return (
    <>
      {live.status === "loading" && <h1>{name}</h1>}
      <Show live={live} what={name} whole>
        {({ models }) => {
          const model = models.find((candidate) => candidate.model === name);
          if (model === undefined) return <NoSuchModel name={name} />;
          return (
            <Model
              model={model}
              weeks={weeks}
              grain={grain}
              performance={performance}
              choices={
                <>
                  <Choice name="Windows" options={GRAINS} value={grain} choose={setGrain} />
                  <Choice name="Span" options={SPANS} value={weeks} choose={setWeeks} />
                </>
              }
            />
          );
        }}
      </Show>
    </>
  );
}

function NoSuchModel({ name }: { readonly name: string }) {
  return (
    <ProblemBox
      problem={{
        kind: "not-found",
        title: `No model is called “${name}”`,
        detail: "It has no document, and no prediction of it has arrived.",
        next: null,
      }}
      whole
    />
  );
}

function Model(props: {
  readonly model: ModelView;
  readonly weeks: Weeks;
  readonly grain: Looked["grain"];
  readonly performance: Live<PerformanceView>;
  readonly choices: ComponentChildren;
}) {
  const { model, performance } = props;
  const analyzed = useCalm(model.analyzed, SECONDS.sometimes);
  const watched = useCalm(model.watched, SECONDS.sometimes);
  const toMs = Date.parse(analyzed ?? model.traffic?.day ?? new Date(0).toISOString());
  const looked: Looked = {
    model,
    analyzed: analyzed ?? "",
    toMs,
    watchedMs: watched === null ? toMs : Date.parse(watched),
    fromMs: toMs - Number(props.weeks) * WEEK_MS,
    grain: props.grain,
  };
  const showsRest = useAfter(performance.status !== "loading");
  return (
    <>
      <ModelHead looked={looked} />
      <TimeLinePart looked={looked} performance={performance} choices={props.choices} />
      {showsRest && (
        <>
          <DriftPart looked={looked} />
          <SegmentsPart looked={looked} />
          <OperationsPart looked={looked} />
          <QualityPart looked={looked} />
        </>
      )}
    </>
  );
}

/** Whether it was so once, and was drawn: what stands further down must not delay what is looked at first. */
function useAfter(condition: boolean): boolean {
  const [was, setWas] = useState(false);
  useEffect(() => {
    if (condition) setWas(true);
  }, [condition]);
  return was;
}
