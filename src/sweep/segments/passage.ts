// Takes many mixes through a network segment by segment: states[s + 1] = run(segment s, sources, states[s]), for a chunk of samples at a time.
// Only one segment's weights are in memory. Where the states of a chunk would not fit, some of them go through to the end before the others.
import { bytesPerElement, sizeOf, type Tensor } from "../../core/index.ts";
import { batchAt, type Dataset } from "../../data/index.ts";
import type { RuntimeOptions } from "../../runtime/index.ts";
import { type Commons, commonsOf } from "./commons.ts";
import { cutIntoSegments, type Segment } from "./cuts.ts";
import { groupRuns } from "./groups.ts";
import { commonName, type Feeds, outputName, ownName } from "./piece.ts";
import { type Plan, planStates, staysTogether } from "./plan.ts";
import { gainsByJoining, isFrozen, makeRunner } from "./runner.ts";
import { Sessions } from "./sessions.ts";
import type { Scoring } from "./slices.ts";
import { type State, States } from "./states.ts";
import type { SegmentedNetwork, Template } from "./template.ts";
import { HeldWeights } from "./weights.ts";

export interface PassageOptions<M> {
  readonly template: Template;
  readonly network: SegmentedNetwork<M>;
  readonly mixes: readonly M[];
  readonly data: Dataset;
  readonly batch: number;
  /** Bytes that states may take; the states of one batch on the way of one mix are always kept. */
  readonly memory: number;
  readonly runtime?: RuntimeOptions;
  /** How the last segment's outputs come of the network's scores, where they may be computed over slices of positions. */
  readonly scoring?: Scoring;
}

/** Takes the template's outputs for the mixes (by place in the list) that share them, and the first sample of the batch. */
export type Receive = (mixes: readonly number[], start: number, outputs: Readonly<Record<string, Tensor>>) => void;

/** Samples on their way together. */
interface Chunk {
  readonly batches: readonly { readonly start: number; readonly commons: Commons }[];
  readonly receive: Receive;
  /** Counts runs of the network's segments. */
  readonly count: (runs: number) => void;
}

export class Passage<M> {
  readonly #options: PassageOptions<M>;
  readonly #segments: readonly Segment[];
  readonly #plan: Plan;
  readonly #sessions: Sessions;
  readonly #weights: HeldWeights<M>;
  readonly #states = new States();
  /** For each segment the bytes that it leaves of one state and batch; where the graph does not say, once it has run. */
  readonly #sizes: (number | undefined)[];

  constructor(options: PassageOptions<M>) {
    const { template, network, mixes, runtime } = options;
    this.#options = options;
    const belong = (before: Segment, next: Segment) =>
      gainsByJoining(before, next) && staysTogether(mixes, before, next, network);
    this.#segments = cutIntoSegments(template, belong);
    this.#sizes = this.#segments.map(({ leaves }) => bytesOfStates(leaves));
    this.#plan = planStates(mixes, this.#segments, network);
    this.#sessions = new Sessions(network.model, runtime);
    this.#weights = new HeldWeights(network, this.#sessions);
  }

  /** Runs the batches that begin at `starts`, as many together as fit. Where the graph does not say what a batch takes, the first one shows it. */
  async run(starts: readonly number[], receive: Receive, onProgress: (share: number) => void): Promise<void> {
    const { data, batch, memory } = this.#options;
    const passes = this.#plan.branches
      .flatMap((from) => [...from.values()])
      .reduce((sum, { length }) => sum + length, 0);
    let done = 0;
    const count = (runs: number) => {
      done += runs;
      onProgress(done / (passes * starts.length));
    };
    const known = this.#bytesOfBatch();
    let length = known === undefined ? 1 : Math.max(1, Math.floor(memory / known));
    for (let at = 0; at < starts.length; at += length) {
      if (at > 0) length = Math.max(1, Math.floor((memory * length) / Math.max(1, this.#states.most)));
      const batches = [];
      for (const start of starts.slice(at, at + length)) {
        const { inputs, labels } = batchAt(data, start, batch);
        batches.push({ start, commons: await commonsOf(this.#segments, this.#sessions, { ...inputs, labels }) });
      }
      this.#states.most = 0;
      await this.#advance(0, [0], { batches, receive, count });
    }
  }

  async dispose(): Promise<void> {
    this.#weights.clear();
    await this.#sessions.dispose();
  }

  /** What the states of one batch take at most, where they go through the segments side by side. */
  #bytesOfBatch(): number | undefined {
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

  /** Takes states that enter a segment through to the end, as many at a time as fit. */
  async #advance(at: number, ids: readonly number[], chunk: Chunk): Promise<void> {
    if (at === this.#segments.length) return;
    let rest = ids;
    while (rest.length) {
      const some = this.#thatFit(at, rest, chunk.batches.length);
      rest = rest.slice(some.length);
      await this.#pass(at, some, chunk);
      const next = some.flatMap((id) => this.#plan.branches[at].get(id)!.map((branch) => branch.next));
      await this.#advance(at + 1, next, chunk);
    }
  }

  /** As many of the states as the memory holds after the segment, at least one. */
  #thatFit(at: number, ids: readonly number[], batches: number): readonly number[] {
    const room = this.#options.memory - this.#states.bytes;
    const [before, after] = [this.#sizes[at - 1] ?? 0, this.#sizes[at] ?? 0];
    let added = 0;
    const tooMany = ids.findIndex((id, i) => {
      added += (this.#plan.branches[at].get(id)!.length * after - before) * batches;
      return i > 0 && added > room;
    });
    return tooMany < 0 ? ids : ids.slice(0, tooMany);
  }

  /** Takes states through one segment. */
  async #pass(at: number, ids: readonly number[], { batches, receive, count }: Chunk): Promise<void> {
    const segment = this.#segments[at];
    const branches = new Map(ids.map((id) => [id, this.#plan.branches[at].get(id)!]));
    const groups = groupRuns(segment, branches, isFrozen(segment));
    const lastGroup = new Map(groups.flatMap(({ runs }, g) => runs.map(({ state }) => [state, g])));
    const scoring = at === this.#segments.length - 1 ? this.#options.scoring : undefined;
    for (const [g, { pattern, runs }] of groups.entries()) {
      const weights = await this.#weights.of(segment, pattern);
      const first = feedsOf(segment, this.#states.get(runs[0].state, 0), batches[0].commons);
      const runner = await makeRunner(
        segment,
        pattern,
        weights,
        first,
        runs.length * batches.length,
        this.#sessions,
        scoring,
      );
      try {
        for (const { state, next } of runs)
          for (const [b, { start, commons }] of batches.entries()) {
            const before = this.#states.get(state, b);
            const results = await runner.run(feedsOf(segment, before, commons));
            if (lastGroup.get(state) === g) this.#states.delete(state, b);
            next.forEach((id, branch) => {
              this.#states.set(id, b, this.#stateAfter(at, before, results, branch));
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

  #stateAfter(at: number, before: State, results: Readonly<Record<string, Tensor>>, branch: number): State {
    const { leaves, live } = this.#segments[at];
    const fresh = leaves.map(({ key }, i): [string, Tensor] => [key, results[outputName(i, branch)]]);
    this.#sizes[at] ??= fresh.reduce((sum, [, { data }]) => sum + data.byteLength, 0);
    return new Map([...[...before].filter(([key]) => live.has(key)), ...fresh]);
  }
}

function feedsOf(segment: Segment, state: State, commons: Commons): Feeds {
  return Object.fromEntries([
    ...segment.enters.map(({ key }, i) => [ownName(i), state.get(key)!]),
    ...segment.commons.map(({ key }, i) => [commonName(i), commons.get(key)!]),
  ]);
}

/** Bytes of what a segment leaves, where the graph tells every type. */
function bytesOfStates(leaves: Segment["leaves"]): number | undefined {
  let bytes = 0;
  for (const { known } of leaves) {
    if (!known) return undefined;
    bytes += sizeOf(known.shape) * bytesPerElement(known.dtype);
  }
  return bytes;
}
