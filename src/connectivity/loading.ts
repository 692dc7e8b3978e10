// A graph of a pair's weights, loaded: the weights frozen in where they fit, else fed at each run.
import type { Tensor } from "../core/index.ts";
import { inputNames, serialise, type Value } from "../graph/index.ts";
import { type RuntimeOptions, Session } from "../runtime/index.ts";
import type { Pair } from "./pair.ts";
import type { Recalibrated } from "./recalibrate.ts";
import { sweepWeights } from "./sweep.ts";

/** Bytes of weights that are frozen into a graph; protobuf ends at 2 GB, and what is more is fed at each run. */
const mostFrozen = 1.5e9;

export interface Loaded {
  readonly session: Session;
  /** To be given at each run, beside the samples. */
  readonly fed: Readonly<Record<string, Tensor>>;
}

export async function loadGraph(
  outputs: Readonly<Record<string, Value>>,
  pair: Pair,
  { runtime, recalibrated }: { runtime?: RuntimeOptions; recalibrated?: Recalibrated } = {},
  most = mostFrozen,
): Promise<Loaded> {
  const weights = sweepWeights(inputNames(Object.values(outputs)), pair, recalibrated);
  const bytes = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const isFrozen = bytes <= most;
  const model = serialise(outputs, isFrozen ? weights : undefined, pair.model.foreign?.dialect);
  return { session: await Session.load(model, runtime), fed: isFrozen ? {} : Object.fromEntries(weights) };
}
