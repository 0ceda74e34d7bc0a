/** A command to type, with a button that copies it. */
import { useState } from "preact/hooks";
import { after } from "../clock.ts";

const COPIED_MS = 2_000;

export function Command({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      return;
    }
    setCopied(true);
    after(COPIED_MS, () => setCopied(false));
  };
  return (
    <div class="command">
      <code>{text}</code>
      <button
        type="button"
        class="quiet"
        aria-label={`Copy: ${text}`}
        onClick={() => {
          void copy();
        }}
      >
        {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
