// What a merge measures on samples: the layers that fit a budget, recalibrated running statistics, and the merged file.
import { type Checkpoint, withCheckpoints } from "../checkpoints/index.ts";
import { type MeasureOptions, summarise } from "../connectivity/index.ts";
import type { Tensor } from "../core/index.ts";
import type { Layer } from "../models/index.ts";
import type { Pair } from "../pairs/index.ts";
import { type Mix, mixKey, mixOfEnd, openForSweep, Scores, type Source, Sweep, weightName } from "../sweep/index.ts";
import { type Budget, type Choice, chooseLayers } from "./choose.ts";

type OnProgress = (step: string, fraction: number) => void;

/** The pair that a merge measures; dispose of it to close the files. */
export interface Measured extends AsyncDisposable {
  readonly pair: Pair;
  chooseLayers(candidates: readonly Layer[], budget: Budget, onProgress: OnProgress): Promise<Choice>;
  /** Running statistics of the merged network, computed on the samples; `alphas` contains the averaged layers. */
  recalibrate(alphas: ReadonlyMap<string, number>, base: "a" | "b"): Promise<Map<string, Tensor>>;
  /** Evaluates the written file, and compares it with the two ends at `alpha`. */
  check(open: () => Promise<Checkpoint>, alpha: number, onProgress: OnProgress): ReturnType<typeof check>;
}

export async function openMeasured(options: MeasureOptions, base: "a" | "b"): Promise<Measured> {
  const pair = await openForSweep(options);
  const { statistics, runtime, memory } = options;
  const sweep = new Sweep(pair, { statistics, base, runtime, memory });
  return {
    pair,
    chooseLayers: (candidates, budget, onProgress) => chooseLayers(sweep, candidates, budget, onProgress),
    recalibrate: (alphas, base) => recalibratedStatistics(sweep, alphas, base),
    check: (open, alpha, onProgress) => check(pair, options, open, alpha, onProgress),
    [Symbol.asyncDispose]: pair.close,
  };
}

/** Computes the running statistics of the merged network on the samples. */
async function recalibratedStatistics(
  sweep: Sweep,
  alphas: ReadonlyMap<string, number>,
  base: "a" | "b",
): Promise<Map<string, Tensor>> {
  const source = (name: string): Source =>
    alphas.has(name) ? { kind: "average", alpha: alphas.get(name)! } : { kind: "end", end: base };
  const mix: Mix = { sources: sweep.pair.layers.map(({ name }) => source(name)) };
  const { statistics, tensors } = await sweep.recalibrate([mix]);
  const own = [...(statistics.get(mixKey(mix)) ?? [])];
  return new Map(own.map(([name, from]) => [name, tensors.get(weightName(from, name))!]));
}

/** Evaluates the written file and the two ends. */
async function check(
  pair: Pair,
  { runtime, memory }: MeasureOptions,
  open: () => Promise<Checkpoint>,
  alpha: number,
  onProgress: OnProgress,
) {
  const progress = ({ done, total }: { done: number; total: number }) => onProgress("check", done / total);
  const [a, b] = [mixOfEnd("a", pair.layers), mixOfEnd("b", pair.layers)];
  const ends = await new Sweep(pair, { runtime, memory }).score([a, b], { progress });
  return withCheckpoints([open], async (file) => {
    const merged = await pair.openEnd(file);
    const own = await new Sweep({ ...pair, a: merged, b: merged }, { runtime, memory }).score([a], { progress });
    const mix = { sources: pair.layers.map((): Source => ({ kind: "average", alpha })) };
    const scores = ends.with(new Scores(new Map([[mixKey(mix), own.of(a)]])));
    const { loss, error } = summarise(scores, mix, alpha);
    return {
      samples: own.samples,
      alpha,
      loss: loss.value,
      error: error.value,
      loss_barrier: loss.barrier,
      error_barrier: error.barrier,
    };
  });
}
