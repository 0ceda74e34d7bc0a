/** What stands where there is no data: not yet, nothing at all, a problem, or what was true a while ago. */
import type { ComponentChildren } from "preact";
import type { Live } from "../api/live.ts";
import type { Problem } from "../api/problem.ts";
import { enterToken } from "../api/session.ts";
import { formatClock } from "../format/times.ts";
import { Command } from "./command.tsx";
import { Guarded } from "./guarded.tsx";

/** Shows a live value in whichever state it is. */
export function Show<T>(props: {
  readonly live: Live<T>;
  /** What is awaited: "the models". */
  readonly what: string;
  readonly whole?: boolean;
  readonly children: (data: T) => ComponentChildren;
}) {
  const { live, what } = props;
  switch (live.status) {
    case "loading":
      return <Loading what={what} />;
    case "failed":
      return <ProblemBox problem={live.problem} whole={props.whole === true} />;
    case "stale":
      return (
        <>
          <Stale atMs={live.atMs} problem={live.problem} />
          <Guarded data={live.data} what={what} draw={props.children} />
        </>
      );
    case "ready":
      return <Guarded data={live.data} what={what} draw={props.children} />;
  }
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading {what}</span>
      <span class="bar" aria-hidden="true" />
      <span class="bar short" aria-hidden="true" />
      <span class="bar" aria-hidden="true" />
    </div>
  );
}

function Stale({ atMs, problem }: { readonly atMs: number; readonly problem: Problem }) {
  return (
    <p class="stale" role="status">
      <strong>As of {formatClock(atMs)} UTC.</strong> {problem.title}: {problem.detail}{" "}
      {problem.next} It is asked again every few seconds.
    </p>
  );
}

export function ProblemBox(props: { readonly problem: Problem; readonly whole?: boolean }) {
  const { problem } = props;
  const Title = props.whole === true ? "h1" : "h3";
  return (
    <section class={`problem ${props.whole === true ? "whole" : ""}`} role="alert">
      <Title>{problem.title}</Title>
      <p>{problem.detail}</p>
      {problem.kind === "no-token" ? (
        <>
          <p>Type this where Driftmend runs, and open the address that it shows as “page”:</p>
          <Command text={problem.next ?? ""} />
          <TokenForm />
        </>
      ) : (
        problem.next !== null && <p class="muted">{problem.next}</p>
      )}
      {problem.kind === "not-found" && (
        <p>
          <a href="/">All models</a>
        </p>
      )}
    </section>
  );
}

/** For who has the token but not the address with it: a link from a message, a system behind a name. */
function TokenForm() {
  return (
    <form
      class="token-form"
      onSubmit={(event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget).get("token");
        if (typeof given !== "string" || given.trim() === "") return;
        enterToken(given, { storage: sessionStorage });
        location.reload();
      }}
    >
      <label>
        Or give the token itself <input type="password" name="token" autocomplete="off" required />
      </label>{" "}
      <button type="submit">Open</button>
    </form>
  );
}

/** Nothing is there, which is not wrong: what would put something there. */
export function Empty(props: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children}
    </div>
  );
}
