/** A part that fails while it is drawn says so in its place; the parts beside it stay. */
import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";

interface GuardedProps<T> {
  readonly data: T;
  /** "the models". */
  readonly what: string;
  readonly draw: (data: T) => ComponentChildren;
}

/** Draws `data`, and tries again once there is other data. */
export function Guarded<T>(props: GuardedProps<T>) {
  const [error, drawAgain] = useErrorBoundary((cause) => {
    // For whoever tells us of it: the place in the code is in the browser's console only.
    reportError(cause);
  });
  useEffect(() => {
    if (error !== undefined) drawAgain();
  }, [props.data]);
  if (error === undefined) return <Drawn {...props} />;
  return (
    <section class="problem" role="alert">
      <h3>Cannot show {props.what}</h3>
      <p>
        This is a mistake of the page, not of your models: “
        {error instanceof Error ? error.message : String(error)}”. Everything else goes on, and it
        is drawn again with the next answer.
      </p>
      <p class="muted">
        The same is in the terminal, npx driftmend status, and in Grafana. Reload once after an
        upgrade: the page may be older than what answers it.
      </p>
    </section>
  );
}

/** A component of its own, since a boundary does not catch what it throws itself. */
function Drawn<T>({ data, draw }: GuardedProps<T>) {
  return <>{draw(data)}</>;
}
