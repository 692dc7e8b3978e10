// Runs many mixes through a network segment by segment: states[s + 1] = run(segment s, sources, states[s]), for a wave
// of chunks at a time. Only one segment's weights are in memory. Where the states of a wave do not fit, some of them
// run through to the end before the others.
import { bytesPerElement, sizeOf, type Tensor } from "../../core/index.ts";
import { batchAt, type Dataset } from "../../data/index.ts";
import type { RuntimeOptions } from "../../runtime/index.ts";
import { type CommonValues, computeCommonValues } from "./common-values.ts";
import { cutIntoSegments, type Segment } from "./cuts.ts";
import { groupRuns } from "./run-groups.ts";
import { gainsByJoining, isFrozen, makeRunner } from "./runner.ts";
import { commonName, type Feeds, outputName, ownName } from "./segment-graph.ts";
import { Sessions } from "./sessions.ts";
import type { Scoring } from "./slices.ts";
import { addsNoBranch, planStates, type StatePlan } from "./state-plan.ts";
import { type State, States } from "./states.ts";
import type { SegmentedNetwork, Template } from "./template.ts";
import { HeldWeights } from "./weights.ts";

export interface PassageOptions<M> {
  readonly template: Template;
  readonly network: SegmentedNetwork<M>;
  readonly mixes: readonly M[];
  readonly data: Dataset;
  readonly chunkSize: number;
  /** Bytes that states may use; the states of one mix on one chunk are always kept. */
  readonly memory: number;
  readonly runtime?: RuntimeOptions;
  /** The scores that the last segment computes, where they may be computed in slices of positions. */
  readonly scoring?: Scoring;
}

/**
 * Receives the template's outputs for the mixes (indices in the list) that share them, and the first sample of the
 * chunk.
 */
export type Receive = (mixes: readonly number[], start: number, outputs: Readonly<Record<string, Tensor>>) => void;

/** Chunks that pass through the segments together. */
interface Wave {
  readonly chunks: readonly { readonly start: number; readonly commons: CommonValues }[];
  readonly receive: Receive;
  /** Counts runs of the network's segments. */
  readonly count: (runs: number) => void;
}

export class Passage<M> {
  readonly #options: PassageOptions<M>;
  readonly #segments: readonly Segment[];
  readonly #plan: StatePlan;
  readonly #sessions: Sessions;
  readonly #weights: HeldWeights<M>;
  readonly #states = new States();
  /**
   * For each segment the bytes of one state after it, for one chunk; where the graph does not give them, set by the
   * first run.
   */
  readonly #sizes: (number | undefined)[];

  constructor(options: PassageOptions<M>) {
    const { template, network, mixes, runtime } = options;
    this.#options = options;
    const shouldJoin = (before: Segment, next: Segment) =>
      gainsByJoining(before, next) && addsNoBranch(mixes, before, next, network);
    this.#segments = cutIntoSegments(template, shouldJoin);
    this.#sizes = this.#segments.map(({ leaves }) => computeStateBytes(leaves));
    this.#plan = planStates(mixes, this.#segments, network);
    this.#sessions = new Sessions(network.model, runtime);
    this.#weights = new HeldWeights(network, this.#sessions);
  }

  /**
   * Runs the chunks that start at samples `starts`, in waves of as many as fit. Where the graph does not give the
   * memory of a chunk, the first chunk is measured.
   */
  async run(starts: readonly number[], receive: Receive, onProgress: (fraction: number) => void): Promise<void> {
    const { data, chunkSize, memory } = this.#options;
    const passes = this.#plan.branches
      .flatMap((from) => [...from.values()])
      .reduce((sum, { length }) => sum + length, 0);
    let done = 0;
    const count = (runs: number) => {
      done += runs;
      onProgress(done / (passes * starts.length));
    };
    const known = this.#computeChunkBytes();
    let length = known === undefined ? 1 : Math.max(1, Math.floor(memory / known));
    for (let at = 0; at < starts.length; at += length) {
      if (at > 0) length = Math.max(1, Math.floor((memory * length) / Math.max(1, this.#states.most)));
      const chunks = [];
      for (const start of starts.slice(at, at + length)) {
        const { inputs, labels } = batchAt(data, start, chunkSize);
        chunks.push({
          start,
          commons: await computeCommonValues(this.#segments, this.#sessions, { ...inputs, labels }),
        });
      }
      this.#states.most = 0;
      await this.#advance(0, [0], { chunks, receive, count });
    }
  }

  async dispose(): Promise<void> {
    this.#weights.clear();
    await this.#sessions.dispose();
  }

  /** Most bytes of the states of one chunk, if they all pass through the segments together. */
  #computeChunkBytes(): number | undefined {
    let most = 1;
    let before = 0;
    for (const [at, size] of this.#sizes.entries()) {
      if (size === undefined) return undefined;
      const after = this.#plan.members[at].size * size;
      most = Math.max(most, before + after);
      before = after;
    }
    return most;
  }

  /** Runs states from segment `at` through to the end, as many at a time as fit. */
  async #advance(at: number, ids: readonly number[], wave: Wave): Promise<void> {
    if (at === this.#segments.length) return;
    let rest = ids;
    while (rest.length) {
      const some = this.#selectFitting(at, rest, wave.chunks.length);
      rest = rest.slice(some.length);
      await this.#pass(at, some, wave);
      const next = some.flatMap((id) => this.#plan.branches[at].get(id)!.map((branch) => branch.next));
      await this.#advance(at + 1, next, wave);
    }
  }

  /** The first states whose results fit in memory after the segment; at least one. */
  #selectFitting(at: number, ids: readonly number[], chunks: number): readonly number[] {
    const room = this.#options.memory - this.#states.bytes;
    const [before, after] = [this.#sizes[at - 1] ?? 0, this.#sizes[at] ?? 0];
    let added = 0;
    const tooMany = ids.findIndex((id, i) => {
      added += (this.#plan.branches[at].get(id)!.length * after - before) * chunks;
      return i > 0 && added > room;
    });
    return tooMany < 0 ? ids : ids.slice(0, tooMany);
  }

  /** Runs states through one segment. */
  async #pass(at: number, ids: readonly number[], { chunks, receive, count }: Wave): Promise<void> {
    const segment = this.#segments[at];
    const branches = new Map(ids.map((id) => [id, this.#plan.branches[at].get(id)!]));
    const groups = groupRuns(segment, branches, isFrozen(segment));
    const lastGroup = new Map(groups.flatMap(({ runs }, g) => runs.map(({ state }) => [state, g])));
    const scoring = at === this.#segments.length - 1 ? this.#options.scoring : undefined;
    for (const [g, { pattern, runs }] of groups.entries()) {
      const weights = await this.#weights.of(segment, pattern);
      const first = makeFeeds(segment, this.#states.get(runs[0].state, 0), chunks[0].commons);
      const runner = await makeRunner(
        segment,
        pattern,
        weights,
        first,
        runs.length * chunks.length,
        this.#sessions,
        scoring,
      );
      try {
        for (const { state, next } of runs)
          for (const [c, { start, commons }] of chunks.entries()) {
            const before = this.#states.get(state, c);
            const results = await runner.run(makeFeeds(segment, before, commons));
            if (lastGroup.get(state) === g) this.#states.delete(state, c);
            next.forEach((id, branch) => {
              this.#states.set(id, c, this.#makeState(at, before, results, branch));
              const outputs = [...segment.outputs.keys()].map((name) => [name, results[outputName(name, branch)]]);
              if (outputs.length) receive(this.#plan.members[at].get(id)!, start, Object.fromEntries(outputs));
            });
            count(next.length);
          }
      } finally {
        await runner.close();
      }
    }
    this.#weights.clear();
  }

  #makeState(at: number, before: State, results: Readonly<Record<string, Tensor>>, branch: number): State {
    const { leaves, live } = this.#segments[at];
    const fresh = leaves.map(({ key }, i): [string, Tensor] => [key, results[outputName(i, branch)]]);
    this.#sizes[at] ??= fresh.reduce((sum, [, { data }]) => sum + data.byteLength, 0);
    return new Map([...[...before].filter(([key]) => live.has(key)), ...fresh]);
  }
}

function makeFeeds(segment: Segment, state: State, commons: CommonValues): Feeds {
  return Object.fromEntries([
    ...segment.enters.map(({ key }, i) => [ownName(i), state.get(key)!]),
    ...segment.commons.map(({ key }, i) => [commonName(i), commons.get(key)!]),
  ]);
}

/** Bytes of the values that a segment leaves; undefined where the graph does not give every type. */
function computeStateBytes(leaves: Segment["leaves"]): number | undefined {
  let bytes = 0;
  for (const { known } of leaves) {
    if (!known) return undefined;
    bytes += sizeOf(known.shape) * bytesPerElement(known.dtype);
  }
  return bytes;
}
