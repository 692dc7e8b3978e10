// Evaluates mixes on a range of samples, segment by segment.
import { toNumbers } from "../../core/index.ts";
import type { Dataset } from "../../data/index.ts";
import type { Value } from "../../graph/index.ts";
import { scoresOf } from "../../models/index.ts";
import type { RuntimeOptions } from "../../runtime/index.ts";
import { cannotBuild } from "../faults.ts";
import { Passage } from "./passage.ts";
import type { Scoring } from "./slices.ts";
import { makeTemplate, type SegmentedNetwork, type Template } from "./template.ts";

export interface SegmentOptions {
  readonly data: Dataset;
  /** Samples in a chunk; a shorter last chunk is filled up with its last sample. */
  readonly chunkSize: number;
  /** Bytes for the values that mixes carry from segment to segment. */
  readonly memory: number;
  readonly runtime?: RuntimeOptions;
  /** Most bytes of logits in one run over long rows. */
  readonly mostLogits?: number;
}

/**
 * Receives losses (natural log) and errors (0 … 1; none for a regression) of a mix's samples, starting with sample
 * `start`.
 */
export type Write<M> = (mix: M, start: number, loss: Float32Array, error?: Float32Array) => void;

/** Evaluates mixes on the samples `from` … `to`. Memory grows with the size of a segment, not of the network. */
export async function evaluateInSegments<M>(
  mixes: readonly M[],
  [from, to]: readonly [number, number],
  network: SegmentedNetwork<M>,
  options: SegmentOptions,
  write: Write<M>,
  onProgress: (fraction: number) => void = () => {},
): Promise<void> {
  const { chunkSize } = options;
  const passage = new Passage({ ...options, ...makeScoredTemplate(network, options), network, mixes });
  const starts = Array.from({ length: Math.ceil((to - from) / chunkSize) }, (_, i) => from + i * chunkSize);
  try {
    await passage.run(
      starts,
      (members, start, { loss, error }) => {
        const fresh = (tensor: typeof loss) =>
          toNumbers(tensor).subarray(0, Math.min(chunkSize, to - start)) as Float32Array;
        for (const i of members) write(mixes[i], start, fresh(loss), error && fresh(error));
      },
      onProgress,
    );
  } finally {
    await passage.dispose();
  }
}

function makeScoredTemplate<M>(
  network: SegmentedNetwork<M>,
  { data, chunkSize, mostLogits }: SegmentOptions,
): { template: Template; scoring: Scoring } {
  let scoring: Scoring | undefined;
  try {
    const template = makeTemplate(network, data, chunkSize, (inputs, weights, labels) => {
      const logits = network.model.forward(inputs, weights);
      const areSomeIgnored = data.weights !== undefined;
      scoring = { logits, labels, areSomeIgnored, most: mostLogits };
      return new Map(
        Object.entries(scoresOf(logits, labels, areSomeIgnored, network.model.isMultiLabel)) as [string, Value][],
      );
    });
    return { template, scoring: scoring! };
  } catch (error) {
    throw cannotBuild(error, network.model, data);
  }
}
