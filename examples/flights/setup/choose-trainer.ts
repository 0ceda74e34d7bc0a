/**
 * Which program trains: torch where it has a CUDA device at hand, Node everywhere else; asked for, the
 * one that was asked for. The summary names the device in either case.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface Trainer {
  readonly name: "node" | "torch";
  /** As `retrain.train.command` of the document. */
  readonly command: readonly string[];
  readonly gpus: number;
}

const PROBE_TIMEOUT_MS = 60_000;
const pathOf = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

export async function chooseTrainer(wanted: "node" | "torch" | undefined): Promise<Trainer> {
  const node: Trainer = { name: "node", command: [pathOf("trainer/main.ts")], gpus: 0 };
  if (wanted === "node") return node;
  const hasCuda = await torchSeesCuda();
  if (wanted === undefined && !hasCuda) return node;
  return { name: "torch", command: [pathOf("train_torch.py")], gpus: hasCuda ? 1 : 0 };
}

/** nvidia-smi is asked first, since importing torch costs seconds. */
async function torchSeesCuda(): Promise<boolean> {
  const run = promisify(execFile);
  try {
    await run("nvidia-smi", ["-L"], { timeout: PROBE_TIMEOUT_MS });
    const program = "import torch, sys; sys.exit(0 if torch.cuda.is_available() else 1)";
    await run("python3", ["-c", program], { timeout: PROBE_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}
