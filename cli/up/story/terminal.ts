/**
 * Lines that stay and one line that changes in place. Without a terminal the changing line is printed
 * now and then instead, so that a log of a build shows progress too.
 */
import { stripVTControlCharacters } from "node:util";
import type { Clock } from "../../../runtime/clock.ts";
import { wrapText } from "../../table.ts";

export interface Terminal {
  line(text: string): void;
  /** Null takes the line away. */
  progress(text: string | null): void;
}

export interface TerminalOptions {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly columns: () => number;
  readonly clock: Clock;
}

const PLAIN_EVERY_MS = 15_000;
const REDRAW_EVERY_MS = 100;
/** Where a story's line goes on below itself: under its label. */
const STORY_INDENT = 22;
const CLEAR = "\r\u001b[2K";

export function createTerminal(options: TerminalOptions): Terminal {
  let shown: string | null = null;
  let lastMs = Number.NEGATIVE_INFINITY;
  const redraw = (): void => {
    if (shown !== null) options.write(`${CLEAR}${cut(shown, options.columns() - 1)}`);
  };
  if (!options.isTerminal) {
    return {
      line: (text) => options.write(`${text}\n`),
      progress: (text) => {
        const nowMs = options.clock.monotonicMs();
        if (text === null || nowMs - lastMs < PLAIN_EVERY_MS) return;
        lastMs = nowMs;
        options.write(`${text}\n`);
      },
    };
  }
  return {
    line: (text) => {
      options.write(
        `${shown === null ? "" : CLEAR}${wrapText(text, options.columns(), STORY_INDENT).join("\n")}\n`,
      );
      redraw();
    },
    progress: (text) => {
      if (text === null) {
        if (shown !== null) options.write(CLEAR);
        shown = null;
        return;
      }
      const isNew = shown === null;
      shown = text;
      const nowMs = options.clock.monotonicMs();
      if (!isNew && nowMs - lastMs < REDRAW_EVERY_MS) return;
      lastMs = nowMs;
      redraw();
    },
  };
}

/** At most `columns` visible characters; colours cost none. */
export function cut(text: string, columns: number): string {
  const visible = stripVTControlCharacters(text);
  return visible.length <= columns ? text : `${visible.slice(0, Math.max(0, columns - 1))}…`;
}
