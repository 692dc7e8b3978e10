// A pair: two ends of one network, and the samples that it is measured on, all checked against each other.
import { openCheckpoint } from "../checkpoints/index.ts";
import { type BatchShape, type DataOptions, type Dataset, openData } from "../data/index.ts";
import type { Graph } from "../graph/index.ts";
import type { Grouping, Inputs, Model } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { builtIn } from "./built-in.ts";
import { graphWithStates } from "./graph-with-states.ts";
import type { Ends, Origin } from "./origin.ts";
import { twoGraphs } from "./two-graphs.ts";

export interface ModelSpec {
  /** A built-in network, or the path of an ONNX graph; left out when both ends are ONNX files. */
  readonly name?: string;
  /** Sizes given by the user; the others are read from the checkpoint. */
  readonly sizes?: Partial<Record<string, number>>;
}

export const tasks = ["classify", "tokens", "regress"] as const;
export type Task = (typeof tasks)[number];

/** Which two ends of which network. */
export interface EndsRequest {
  /** Paths of the two checkpoints. */
  readonly a: string;
  readonly b: string;
  readonly model: ModelSpec;
  readonly group?: Grouping;
  readonly allowNonfinite?: boolean;
}

/** The ends, and the samples to measure them on. */
export interface PairRequest extends EndsRequest {
  readonly data: DataOptions & { readonly name: string };
  readonly task?: Task;
  /** The output of an ONNX graph that holds the scores. */
  readonly output?: string;
  readonly batch?: number;
  readonly runtime?: RuntimeOptions;
}

export interface Pair extends Omit<Ends, "fit" | "context"> {
  readonly model: Model;
  readonly data: Dataset;
  /** Samples of a batch; where there are fewer, the last one fills it. */
  readonly batch: number;
  /** The batch that the network's inputs are fixed to; undefined where it is free. */
  readonly fixedBatch?: number;
  /** The data's inputs under the network's names and in its dtypes. */
  inputs(graph: Graph, shape: BatchShape): Inputs;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the samples add to the ends. */
export type Fitted = Pick<Pair, "model" | "data" | "batch" | "fixedBatch" | "notes" | "inputs">;

/** Opens both ends and the samples, and fits them together. Throws {@link UserError} when they do not fit. The pair keeps its files open until it is closed. */
export function openPair(request: PairRequest): Promise<Pair> {
  return withFiles(request, async (files, close) => {
    const { fit, context, ...ends } = await originOf(request).open(files, request);
    const { name, ...options } = request.data;
    const data = await openData(name, { ...options, context: options.context ?? context });
    const fitted = await fit(data, request);
    return { ...ends, ...fitted, notes: [...ends.notes, ...fitted.notes], close, [Symbol.asyncDispose]: close };
  });
}

/** Opens both ends of a network without samples, until they are closed. */
export function openEnds(request: EndsRequest): Promise<Ends & AsyncDisposable> {
  return withFiles(request, async (files, close) => ({
    ...(await originOf(request).open(files, request)),
    [Symbol.asyncDispose]: close,
  }));
}

/** The origin of a pair, by what the user names. */
function originOf({ model: { name } }: EndsRequest): Origin {
  if (name === undefined) return twoGraphs;
  return name.endsWith(".onnx") ? graphWithStates : builtIn;
}

type Files = Parameters<Origin["open"]>[0];

/** Opens both files; they stay open for what `use` returns, which closes them. */
async function withFiles<T>(
  { a, b }: EndsRequest,
  use: (files: Files, close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const first = await openCheckpoint(a);
  let second: typeof first | undefined;
  const close = async () => {
    await first.close();
    await second?.close();
  };
  try {
    second = await openCheckpoint(b);
    return await use([first, second], close);
  } catch (error) {
    await close();
    throw error;
  }
}
