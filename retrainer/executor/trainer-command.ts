/** How a document's train command becomes a process: the program by the file's ending, a bare environment. */
import { delimiter } from "node:path";
import type { Environment } from "../../runtime/env.ts";

/** `.ts`, `.mts`, `.mjs` and `.js` are run by `node`, `.py` by python3, all else as it stands. */
export function trainerCommand(command: readonly string[], node: string): readonly string[] {
  const [program = ""] = command;
  if (/\.(?:ts|mts|mjs|js)$/.test(program)) return [node, ...command];
  return program.endsWith(".py") ? ["python3", ...command] : command;
}

/** What a trainer may see of our environment: nothing that opens a door. */
const INHERITED =
  /^(?:PATH|HOME|LANG|LC_\w+|TMPDIR|TZ|USER|VIRTUAL_ENV|PYTHON\w*|LD_LIBRARY_PATH|CUDA_HOME|NVIDIA_\w+|OMP_\w+|MKL_\w+|XDG_CACHE_HOME|TORCH_HOME)$/;

export interface TrainerCall {
  readonly runId: string;
  readonly model: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly datasetFolder: string;
  readonly outFolder: string;
  readonly gpus: readonly string[];
}

export function trainerEnvironment(
  call: TrainerCall,
  env: Environment,
  node: string,
): Record<string, string> {
  const inherited = Object.entries(env).filter(
    (entry): entry is [string, string] => INHERITED.test(entry[0]) && entry[1] !== undefined,
  );
  const path = env["PATH"] ?? "/usr/bin:/bin";
  return {
    ...Object.fromEntries(inherited),
    // Trainers that start "node" themselves get ours.
    PATH: `${path}${delimiter}${node.slice(0, node.lastIndexOf("/"))}`,
    CUDA_DEVICE_ORDER: "PCI_BUS_ID",
    CUDA_VISIBLE_DEVICES: call.gpus.join(","),
    DRIFTMEND_RUN_ID: call.runId,
    DRIFTMEND_MODEL: call.model,
    DRIFTMEND_PARAMS: JSON.stringify(call.params),
    DRIFTMEND_DATASET: call.datasetFolder,
    DRIFTMEND_OUT: call.outFolder,
  };
}
