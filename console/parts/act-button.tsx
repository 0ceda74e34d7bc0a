/**
 * A button that does something to the system: asks who and why first, says what will happen, and shows the
 * refusal where there is one. Drawn only for who may act.
 */
import { useRef, useState } from "preact/hooks";
import { useApi } from "../api/live.ts";
import type { Problem } from "../api/problem.ts";

const KEY = "driftmend.by";
const DURATIONS = ["1h", "4h", "8h", "1d", "3d", "7d"] as const;

export interface Act {
  readonly name: string;
  /** What happens then, in a sentence or two. */
  readonly about: string;
  readonly path: string;
  readonly body: object;
  /** What it needs beside who does it. */
  readonly asks: "nothing" | "reason" | "duration";
  /** Takes something away or serves something else: drawn so. */
  readonly grave?: boolean;
}

export function ActButton(act: Act) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button
        type="button"
        class={act.grave === true ? "act grave" : "act"}
        onClick={() => dialog.current?.showModal()}
      >
        {act.name}
      </button>
      <dialog ref={dialog} aria-label={act.name}>
        <ActForm act={act} close={() => dialog.current?.close()} />
      </dialog>
    </>
  );
}

interface Fields {
  readonly by: string;
  readonly reason: string;
  readonly duration: string;
}

function ActForm({ act, close }: { readonly act: Act; readonly close: () => void }) {
  const { client, act: acted } = useApi();
  const [fields, setFields] = useState<Fields>({
    by: localStorage.getItem(KEY) ?? "",
    reason: "",
    duration: "4h",
  });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (): Promise<void> => {
    setBusy(true);
    localStorage.setItem(KEY, fields.by);
    const answer = await client.post<object>(act.path, bodyOf(act, fields));
    setBusy(false);
    if (answer.kind === "problem") {
      setProblem(answer.problem);
      return;
    }
    setProblem(null);
    setFields({ ...fields, reason: "" });
    close();
    acted();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h2>{act.name}</h2>
      <p>{act.about}</p>
      <ActFields
        asks={act.asks}
        fields={fields}
        change={(part) => setFields({ ...fields, ...part })}
      />
      {problem !== null && (
        <p class="form-problem" role="alert">
          <strong>{problem.title}.</strong> {problem.detail} {problem.next}
        </p>
      )}
      <div class="actions">
        <button type="submit" class={act.grave === true ? "act grave" : "act"} disabled={busy}>
          {busy ? "…" : act.name}
        </button>
        <button type="button" class="quiet" onClick={close}>
          Leave it
        </button>
      </div>
    </form>
  );
}

function bodyOf(act: Act, { by, reason, duration }: Fields): object {
  return {
    ...act.body,
    by: by.trim() === "" ? "page" : by.trim(),
    ...(act.asks === "nothing" || reason.trim() === "" ? {} : { reason: reason.trim() }),
    ...(act.asks === "duration" ? { for: duration } : {}),
  };
}

function ActFields(props: {
  readonly asks: Act["asks"];
  readonly fields: Fields;
  readonly change: (part: Partial<Fields>) => void;
}) {
  const { asks, fields, change } = props;
  return (
    <>
      {asks === "duration" && (
        <label>
          For
          <select
            value={fields.duration}
            onChange={(event) => change({ duration: event.currentTarget.value })}
          >
            {DURATIONS.map((text) => (
              <option key={text}>{text}</option>
            ))}
          </select>
        </label>
      )}
      <label>
        Who
        <input
          value={fields.by}
          maxLength={200}
          autocomplete="name"
          placeholder="your name, for the audit log"
          onInput={(event) => change({ by: event.currentTarget.value })}
        />
      </label>
      {asks !== "nothing" && (
        <label>
          Why
          <input
            value={fields.reason}
            maxLength={1000}
            required
            onInput={(event) => change({ reason: event.currentTarget.value })}
          />
        </label>
      )}
    </>
  );
}
