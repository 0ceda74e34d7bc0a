/** Colours where a person looks at a terminal, nothing elsewhere: text is complete without them. */
import { styleText } from "node:util";
import type { Environment } from "../runtime/env.ts";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;

export const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false });

/** NO_COLOR (no-color.org) and FORCE_COLOR are heeded. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: Environment): Paint {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined && forced !== "0") return coloured;
  if ((env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb") return plain;
  return stream.isTTY === true ? coloured : plain;
}
