// The sweep: one network evaluated for many mixes on the same samples. Without `until`, every mix is evaluated on all
// samples. With it, samples come in rounds that double, and after each round the mixes that need no more are done.
import { freemem } from "node:os";
import type { Pair } from "../pairs/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { evaluateBySegment, needsSegments, recalibrateBySegment } from "./by-segment.ts";
import { evaluateTogether } from "./evaluate.ts";
import { cannotFill } from "./faults.ts";
import { isEnd, type Mix, orderMixes } from "./mixes.ts";
import { recalibrate } from "./recalibrate.ts";
import { Scores } from "./scores.ts";
import { MixWeights, type Recalibrated, type WeightOptions } from "./weights.ts";

export interface SweepOptions extends WeightOptions {
  readonly runtime?: RuntimeOptions;
  /** Bytes that the sweep may use; default half of the free memory. */
  readonly memory?: number;
}

/** How many samples are done. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface ScoreOptions {
  /** Samples `from` … `to`; default all. */
  readonly range?: readonly [number, number];
  /** True for a mix that needs no more samples. */
  readonly until?: (scores: Scores, mix: Mix) => boolean;
  readonly progress?: (progress: Progress) => void;
}

/** Samples of the first round. */
const firstRound = 250;

export class Sweep {
  constructor(
    readonly pair: Pair,
    readonly options: SweepOptions = {},
  ) {}

  /** The scores of mixes; each distinct mix is evaluated once. */
  async score(mixes: Iterable<Mix>, options: ScoreOptions = {}): Promise<Scores> {
    const all = orderMixes(mixes);
    const { pair } = this;
    const [from, to] = options.range ?? [0, pair.data.count];
    const { until, progress = () => {} } = options;
    const weights = await this.#weightsOf(all);
    const scores = Scores.empty(all, pair.data.count, pair.data.weights);
    let active = all;
    for (let done = from; done < to; ) {
      const target = until ? Math.min(to, this.#fill(Math.max(firstRound, 2 * done))) : to;
      const before = done;
      const total = until ? Math.max(target, firstRound) : to - from;
      await this.#evaluate(active, [before, target], scores, weights, (fraction) =>
        progress({ done: before - from + fraction * (target - before), total }),
      );
      done = target;
      if (!until) continue;
      const open = active.filter((mix) => !isEnd(mix) && !until(scores, mix));
      if (open.length === 0) break;
      active = orderMixes([...active.filter(isEnd), ...open]);
    }
    return scores;
  }

  /** The running statistics of every mix with an averaged layer, computed on the samples. */
  recalibrate(mixes: readonly Mix[]): Promise<Recalibrated> {
    const { pair, options } = this;
    const weights = new MixWeights(pair, options);
    return this.#segments
      ? recalibrateBySegment(mixes, { pair, weights, runtime: options.runtime, ...this.#segments })
      : recalibrate(pair, mixes, weights, options.runtime);
  }

  /** The memory for evaluation in segments; undefined where one graph is used. */
  get #segments(): { memory: number } | undefined {
    const { memory } = this.options;
    return needsSegments(this.pair.model, memory) ? { memory: memory ?? freeMemory() / 2 } : undefined;
  }

  async #weightsOf(mixes: readonly Mix[]): Promise<MixWeights> {
    const recalibrated = this.options.statistics === "recalibrate" ? await this.recalibrate(mixes) : undefined;
    return new MixWeights(this.pair, this.options, recalibrated);
  }

  async #evaluate(
    mixes: readonly Mix[],
    [from, to]: readonly [number, number],
    scores: Scores,
    weights: MixWeights,
    onProgress: (fraction: number) => void,
  ): Promise<void> {
    for (const { pair, range } of await this.#divide([from, to])) {
      const evaluation = { pair, weights, runtime: this.options.runtime };
      const progress = (fraction: number) =>
        onProgress((range[0] - from + fraction * (range[1] - range[0])) / (to - from));
      await (this.#segments
        ? evaluateBySegment(mixes, range, scores, { ...evaluation, ...this.#segments }, progress)
        : evaluateTogether(mixes, range, scores, evaluation, progress));
    }
  }

  /** The number of samples of a round: whole batches where the samples of a batch affect each other. */
  #fill(samples: number): number {
    const { batch, areIndependent } = this.pair;
    return areIndependent === false ? Math.ceil(samples / batch) * batch : samples;
  }

  /**
   * A range of samples and the pair that evaluates it. A last chunk that would be filled up has a pair with shorter
   * chunks where copies of its last sample would change the scores.
   */
  async #divide([from, to]: readonly [number, number]): Promise<{ pair: Pair; range: readonly [number, number] }[]> {
    const { pair } = this;
    const { batch, fixedBatch, areIndependent, data } = pair;
    const rest = (to - from) % batch;
    if (areIndependent !== false || rest === 0) return [{ pair, range: [from, to] }];
    if (fixedBatch !== undefined) throw cannotFill(fixedBatch, data);
    const short = { pair: { ...pair, ...(await pair.fitBatch(rest)) }, range: [to - rest, to] as const };
    return to - rest > from ? [{ pair, range: [from, to - rest] }, short] : [short];
  }
}

/** Bytes that this process can still allocate. */
const freeMemory = (): number => Math.min(freemem(), process.availableMemory());
