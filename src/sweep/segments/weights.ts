// The weights of one segment, read when they are needed and released when the next runs do not use them. Values that
// the graph computes only from parameters, such as a transposed one, are computed here once, not in every run.
import type { Tensor } from "../../core/index.ts";
import { Graph, rebuild } from "../../graph/index.ts";
import { dtypeOf } from "../../models/index.ts";
import type { Held, Segment } from "./cuts.ts";
import type { Pattern } from "./run-groups.ts";
import { heldName } from "./segment-graph.ts";
import type { Sessions } from "./sessions.ts";
import type { SegmentedNetwork } from "./template.ts";

export class HeldWeights<M> {
  readonly #network: SegmentedNetwork<M>;
  readonly #sessions: Sessions;
  #tensors = new Map<string, Tensor>();

  constructor(network: SegmentedNetwork<M>, sessions: Sessions) {
    this.#network = network;
    this.#sessions = sessions;
  }

  /** The tensors of a pattern, by input name. Releases tensors of the pattern before that this one does not use. */
  async of(segment: Segment, { held }: Pattern): Promise<Map<string, Tensor>> {
    const wanted = held.flatMap(({ sources }, i) =>
      sources.map((from, k) => ({ name: heldName(i, k), one: segment.held[i], from })),
    );
    const keyOf = (one: Held, from: readonly string[]) => JSON.stringify([one.value.key, from]);
    const before = this.#tensors;
    this.#tensors = new Map(
      wanted.flatMap(({ one, from }) => {
        const known = before.get(keyOf(one, from));
        return known ? [[keyOf(one, from), known]] : [];
      }),
    );
    before.clear();
    const named = new Map<string, Tensor>();
    for (const { name, one, from } of wanted) {
      const key = keyOf(one, from);
      if (!this.#tensors.has(key)) this.#tensors.set(key, await this.#make(one, from));
      named.set(name, this.#tensors.get(key)!);
    }
    return named;
  }

  clear(): void {
    this.#tensors.clear();
  }

  async #make({ value, parameters }: Held, sources: readonly string[]): Promise<Tensor> {
    const read = (i: number) => this.#network.weight(sources[i], parameters[i]);
    if (value.node.op === "Input") return read(0);
    const graph = new Graph();
    const names = new Map(parameters.map(({ name }, i) => [`weight ${name}`, i]));
    const result = rebuild(graph, [value], ({ node }) => {
      const at = node.op === "Input" ? names.get(String(node.attributes.name)) : undefined;
      return at === undefined ? undefined : graph.input(`p${at}`, dtypeOf(parameters[at]), parameters[at].shape);
    })(value);
    const feeds: Record<string, Tensor> = {};
    for (const i of parameters.keys()) feeds[`p${i}`] = await read(i);
    if (Object.values(feeds).some(({ dtype }) => dtype === "bfloat16")) {
      // ONNX Runtime's binding does not accept bfloat16 tensors, so they are frozen
      const session = await this.#sessions.frozen({ result }, new Map(Object.entries(feeds)));
      try {
        return (await session.run({})).result;
      } finally {
        await session.dispose();
      }
    }
    const session = await this.#sessions.fed({ result });
    return (await session.run(feeds)).result;
  }
}
