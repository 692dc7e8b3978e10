// Evaluates mixes on a range of samples, segment by segment, and passes on every sample's loss and error.
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
  /** Samples of a batch; where there are fewer, the last one fills it. */
  readonly batch: number;
  /** Bytes for what mixes carry from segment to segment. */
  readonly memory: number;
  readonly runtime?: RuntimeOptions;
  /** Bytes of the logits of one run over long rows. */
  readonly mostLogits?: number;
}

/** Takes losses (natural log) and errors (0 … 1; none for a regression) of a mix's samples from `start` on. */
export type Write<M> = (mix: M, start: number, loss: Float32Array, error?: Float32Array) => void;

/** Evaluates mixes on the samples from the first number up to the second; memory grows with a segment's size, not with the network's. */
export async function evaluateInSegments<M>(
  mixes: readonly M[],
  [from, to]: readonly [number, number],
  network: SegmentedNetwork<M>,
  options: SegmentOptions,
  write: Write<M>,
  onProgress: (share: number) => void = () => {},
): Promise<void> {
  const { batch } = options;
  const passage = new Passage({ ...options, ...scoredTemplate(network, options), network, mixes });
  const starts = Array.from({ length: Math.ceil((to - from) / batch) }, (_, i) => from + i * batch);
  try {
    await passage.run(
      starts,
      (members, start, { loss, error }) => {
        const fresh = (tensor: typeof loss) =>
          toNumbers(tensor).subarray(0, Math.min(batch, to - start)) as Float32Array;
        for (const i of members) write(mixes[i], start, fresh(loss), error && fresh(error));
      },
      onProgress,
    );
  } finally {
    await passage.dispose();
  }
}

function scoredTemplate<M>(
  network: SegmentedNetwork<M>,
  { data, batch, mostLogits }: SegmentOptions,
): { template: Template; scoring: Scoring } {
  let scoring: Scoring | undefined;
  try {
    const template = makeTemplate(network, data, batch, (inputs, weights, labels) => {
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
