/**
 * Twenty features, OTLP/HTTP protobuf in, until the rollups of all tiers count every row; beside the engine's own
 * JSONEachRow insert of the same events into the same table, and into one of plain maps. Then other widths and doors.
 */
import { seededRandom } from "../../runtime/random.ts";
import type { Figure } from "../figure.ts";
import { engineAlone } from "./engine-alone.ts";
import { grpcSender } from "./grpc-sender.ts";
import { type Measured, measure } from "./measure.ts";
import type { PreparedBody } from "./prepared-body.ts";
import { type HttpSender, httpSender } from "./send.ts";
import { PROCESSES, type SystemUnderLoad, startSystem } from "./system-under-load.ts";
import { WIDE_MODEL, type Width, describeWideModel, wideBodies } from "./wide-bodies.ts";

const TWENTY: Width = { numeric: 16, categorical: 4 };
const CONNECTIONS = 24;
const BODIES = 48;

interface Variant {
  readonly name: string;
  readonly width: Width;
  readonly rowsPerBody: number;
  readonly door: (system: SystemUnderLoad) => HttpSender;
  readonly warmUpMs: number;
  readonly loadMs: number;
}

const overHttp = (system: SystemUnderLoad): HttpSender =>
  httpSender(system.agentUrl, { connections: CONNECTIONS });
const gzipped = (system: SystemUnderLoad): HttpSender =>
  httpSender(system.agentUrl, { connections: CONNECTIONS, gzip: true });
const overGrpc = (system: SystemUnderLoad): HttpSender => grpcSender(system.agentGrpcUrl);

const SHORT = { rowsPerBody: 500, door: overHttp, warmUpMs: 5_000, loadMs: 15_000 };
const VARIANTS: readonly Variant[] = [
  { ...SHORT, name: "1_feature", width: { numeric: 1, categorical: 0 } },
  { ...SHORT, name: "100_features", width: { numeric: 80, categorical: 20 }, rowsPerBody: 100 },
  { ...SHORT, name: "500_features", width: { numeric: 400, categorical: 100 }, rowsPerBody: 20 },
  { ...SHORT, name: "gzip", width: TWENTY, door: gzipped },
  { ...SHORT, name: "grpc", width: TWENTY, door: overGrpc },
];

const alone = (metric: string, value: number, unit: string): Figure => {
  return { bench: "pipeline", metric, value, unit, ratio: null, against: null };
};

/** The stated figure: a minute after a minute of warm-up, so that merges count. */
export async function twentyFeatures(warmUpMs = 60_000, loadMs = 60_000): Promise<Figure[]> {
  await using system = await startSystem();
  const twenty: Variant = { ...SHORT, name: "", width: TWENTY, warmUpMs, loadMs };
  const { measured, bodies } = await measureVariant(system, twenty);
  const product = await engineAlone(system, bodies, "product");
  const plain = await engineAlone(system, bodies, "plain");
  return [
    {
      ...alone("events_per_second", measured.perSecond, "events/s of 20 features"),
      ratio: measured.perSecond / product.perSecond,
      against: "the engine's JSONEachRow insert of the same events into the same table",
    },
    {
      ...alone("events_per_second_plain", measured.perSecond, "events/s of 20 features"),
      ratio: measured.perSecond / plain.perSecond,
      against: "the engine's JSONEachRow insert of the same events into a table of Map(String, …)",
    },
    alone("engine_jsoneachrow_per_second", product.perSecond, "events/s into the same table"),
    alone(
      "engine_jsoneachrow_plain_per_second",
      plain.perSecond,
      "events/s into a table of Map(String, …)",
    ),
    {
      ...alone("cpu_us_per_event", measured.cpuUsTotal, "CPU µs, all processes"),
      ratio: measured.cpuUsTotal / product.cpuUs,
      against: "the engine's CPU for its JSONEachRow insert into the same table",
    },
    ...PROCESSES.map((name) => alone(`cpu_us_per_event_${name}`, measured.cpuUs[name], "CPU µs")),
    ...PROCESSES.map((name) => alone(`resident_${name}`, system.residentMib(name), "MiB")),
  ];
}

/** Other widths, gzip and gRPC, each for a short time on a system of its own. */
export async function otherWidthsAndDoors(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const variant of VARIANTS) {
    await using system = await startSystem();
    const { measured } = await measureVariant(system, variant);
    const { name } = variant;
    figures.push(
      alone(`events_per_second_${name}`, measured.perSecond, "events/s"),
      alone(`cpu_us_per_event_${name}`, measured.cpuUsTotal, "CPU µs, all processes"),
      alone(`cpu_us_per_event_${name}_agent`, measured.cpuUs.agent, "CPU µs"),
    );
  }
  return figures;
}

async function measureVariant(
  system: SystemUnderLoad,
  { width, rowsPerBody, door, warmUpMs, loadMs }: Variant,
): Promise<{ measured: Measured; bodies: readonly PreparedBody[] }> {
  await describeWideModel(system.store, width);
  const bodies = wideBodies(BODIES, rowsPerBody, width, seededRandom(9));
  using sender = door(system);
  const load = { bodies, connections: CONNECTIONS, numbers: { next: 1 }, send: sender.send };
  const measured = await measure(system, WIDE_MODEL, load, { warmUpMs, loadMs });
  return { measured, bodies };
}
