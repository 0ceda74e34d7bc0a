/** The frame around every view: where one is, whether the system answers, what one may do. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AccessView } from "../contract/views.ts";
import { createClient } from "./api/client.ts";
import { type Connection, createConnection } from "./api/connection.ts";
import { type Api, ApiContext } from "./api/live.ts";
import type { Problem } from "./api/problem.ts";
import { after } from "./clock.ts";
import { followLinks, useRoute } from "./navigate.ts";
import { Head } from "./parts/head.tsx";
import { ProblemBox } from "./parts/states.tsx";
import type { Route } from "./route.ts";
import { AlertPage } from "./views/alert.tsx";
import { AlertsPage } from "./views/alerts.tsx";
import { FleetPage } from "./views/fleet.tsx";
import { ModelPage } from "./views/model.tsx";
import { RunPage } from "./views/run.tsx";
import { RunsPage } from "./views/runs.tsx";

type Access =
  | { readonly kind: "asking" }
  | { readonly kind: "known"; readonly access: AccessView["access"] }
  | { readonly kind: "problem"; readonly problem: Problem };

const ASK_AGAIN_MS = 3_000;

export function App({ token }: { readonly token: string | null }) {
  const client = useMemo(() => createClient(token), [token]);
  const connection = useMemo(createConnection, []);
  const access = useAccess(client, connection);
  const [acted, setActed] = useState(0);
  const route = useRoute();
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = titleOf(route);
    // Who has just come begins at the top, with the link that skips to the content.
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    document.getElementById("main")?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [JSON.stringify(route)]);
  const mayAct = access.kind === "known" && access.access === "act";
  const api = useMemo<Api>(
    () => ({ client, connection, mayAct, acted, act: () => setActed((count) => count + 1) }),
    [client, connection, mayAct, acted],
  );
  return (
    <ApiContext.Provider value={api}>
      <div class="frame" onClick={followLinks}>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <Head
          route={route}
          connection={connection}
          access={access.kind === "known" ? access.access : null}
        />
        <main id="main" tabIndex={-1}>
          {access.kind === "problem" ? (
            <ProblemBox problem={access.problem} whole />
          ) : (
            // What is to be seen is asked for beside what may be done: on a busy machine each answer takes a while.
            <View route={route} />
          )}
        </main>
      </div>
    </ApiContext.Provider>
  );
}

/** Asked until it is answered; a page that is opened before the system is ready waits for it. */
function useAccess(client: Api["client"], connection: Connection): Access {
  const [access, setAccess] = useState<Access>({ kind: "asking" });
  useEffect(() => {
    const gone = new AbortController();
    let cancel: () => void = () => undefined;
    const ask = async (): Promise<void> => {
      const answer = await client.get<AccessView>("/api/v1/access", null, gone.signal);
      if (gone.signal.aborted || answer.kind === "same") return;
      if (answer.kind === "new") {
        setAccess({ kind: "known", access: answer.data.access });
        return;
      }
      setAccess({ kind: "problem", problem: answer.problem });
      if (answer.problem.kind !== "no-token") cancel = after(ASK_AGAIN_MS, () => void ask());
    };
    void ask();
    return () => {
      gone.abort();
      cancel();
    };
  }, [client, connection]);
  return access;
}

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case "fleet":
      return <FleetPage />;
    case "model":
      return <ModelPage key={route.model} model={route.model} />;
    case "alerts":
      return <AlertsPage />;
    case "alert":
      return <AlertPage key={route.id} id={route.id} />;
    case "runs":
      return <RunsPage />;
    case "run":
      return <RunPage key={route.id} id={route.id} />;
    case "unknown":
      return (
        <ProblemBox
          problem={{
            kind: "not-found",
            title: "No such page",
            detail: `There is nothing at “${route.path}”.`,
            next: null,
          }}
          whole
        />
      );
  }
}

function titleOf(route: Route): string {
  switch (route.view) {
    case "fleet":
      return "Models · Driftmend";
    case "model":
      return `${route.model} · Driftmend`;
    case "alerts":
      return "Alerts · Driftmend";
    case "alert":
      return `Alert ${route.id} · Driftmend`;
    case "runs":
      return "Runs · Driftmend";
    case "run":
      return `Run ${route.id} · Driftmend`;
    case "unknown":
      return "Driftmend";
  }
}
