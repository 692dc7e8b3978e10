// The sweep: one network evaluated for many mixes, on the same samples. Without `until` every mix sees all of them. With it, samples come in rounds that
// double; after each, mixes that need no more are done.
import { freemem } from "node:os";
import type { Pair } from "../pairs/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { evaluateBySegment, needsSegments } from "./by-segment.ts";
import { evaluateTogether } from "./evaluate.ts";
import { isEnd, type Mix, orderMixes } from "./mixes.ts";
import { recalibrate } from "./recalibrate.ts";
import { Scores } from "./scores.ts";
import { MixWeights, type WeightOptions } from "./weights.ts";

export interface SweepOptions extends WeightOptions {
  readonly runtime?: RuntimeOptions;
  /** Bytes that the sweep may take; default half of what is free. */
  readonly memory?: number;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface ScoreOptions {
  /** The samples `from` … `to`; default all. */
  readonly range?: readonly [number, number];
  /** True for a mix that needs no more samples. */
  readonly until?: (scores: Scores, mix: Mix) => boolean;
  /** In samples. */
  readonly progress?: (progress: Progress) => void;
}

/** Samples of the first round. */
const firstRound = 250;

export class Sweep {
  constructor(
    readonly pair: Pair,
    readonly options: SweepOptions = {},
  ) {}

  /** The scores of some mixes, of which each is evaluated once. */
  async score(mixes: Iterable<Mix>, options: ScoreOptions = {}): Promise<Scores> {
    const all = orderMixes(mixes);
    const { pair, options: own } = this;
    const [from, to] = options.range ?? [0, pair.data.count];
    const { until, progress = () => {} } = options;
    const plain = new MixWeights(pair, own);
    const weights =
      own.statistics === "recalibrate"
        ? new MixWeights(pair, own, await recalibrate(pair, all, plain, own.runtime))
        : plain;
    const scores = Scores.empty(all, pair.data.count);
    let active = all;
    for (let done = from; done < to; ) {
      const target = until ? Math.min(to, Math.max(firstRound, 2 * done)) : to;
      const before = done;
      const total = until ? Math.max(target, firstRound) : to - from;
      await this.#evaluate(active, [before, target], scores, weights, (share) =>
        progress({ done: before - from + share * (target - before), total }),
      );
      done = target;
      if (!until) continue;
      const open = active.filter((mix) => !isEnd(mix) && !until(scores, mix));
      if (open.length === 0) break;
      active = orderMixes([...active.filter(isEnd), ...open]);
    }
    return scores;
  }

  #evaluate(
    mixes: readonly Mix[],
    range: readonly [number, number],
    scores: Scores,
    weights: MixWeights,
    onProgress: (share: number) => void,
  ): Promise<void> {
    const { runtime, memory } = this.options;
    const evaluation = { pair: this.pair, weights, runtime };
    if (!needsSegments(this.pair.model, memory)) return evaluateTogether(mixes, range, scores, evaluation, onProgress);
    return evaluateBySegment(mixes, range, scores, { ...evaluation, memory: memory ?? freeMemory() / 2 }, onProgress);
  }
}

/** Bytes that this process can still have. */
const freeMemory = (): number => Math.min(freemem(), process.availableMemory());
