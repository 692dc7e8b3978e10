// Where a pair comes from: a built-in network, two ONNX graphs, or one graph with two state dicts. One file each, one object of this contract.
import type { Checkpoint } from "../checkpoints/index.ts";
import type { Dataset } from "../data/index.ts";
import type { Layer, Model } from "../models/index.ts";
import type { End } from "./end.ts";
import type { EndsRequest, Fitted, PairRequest } from "./pair.ts";

export interface Origin {
  /** Checks two files against each other and against the network. Throws {@link UserError} when they do not fit. */
  open(files: readonly [Checkpoint, Checkpoint], request: EndsRequest): Promise<Ends>;
}

/** Two ends of one network, before there are samples. */
export interface Ends {
  readonly a: End;
  readonly b: End;
  readonly layers: readonly Layer[];
  readonly parameters: Model["parameters"];
  /** Groups of parameters that are one tensor. */
  readonly tied: Model["tied"];
  readonly notes: readonly string[];
  /** What the result says of the model, beside its sizes. */
  readonly facts: Readonly<Record<string, string>>;
  /** Batch normalisations were folded into convolutions, so there is none that could be run in training mode. */
  readonly isFolded?: boolean;
  /** The order of the layers is the graph's, which another export may change: what is stored by their order must name them. */
  readonly isOrderOfGraph?: boolean;
  /** Tokens of a sample, where the network decides it. */
  readonly context?: number;
  /** Fits the network to samples. Throws {@link UserError} when it cannot take them. */
  fit(data: Dataset, request: PairRequest): Promise<Fitted>;
  /** Opens another checkpoint of the same network, whatever its values. */
  openEnd(file: Checkpoint): Promise<End>;
}
