// Exporters write equal initialisers once: the weights of all fresh normalisations are ones. What the graph then seems not to use is used under
// another name, which is right only where the two are equal in both checkpoints.
import type { ForeignModel } from "../../graph/index.ts";
import type { Candidate, StateDict } from "./candidates.ts";

export interface Shared {
  /** Tensors of the state dict that the graph has under another name, with which they are equal in both ends. */
  readonly equal: ReadonlyMap<string, string>;
  /** Those that are not equal in both, as `X (as Y)`. */
  readonly apart: readonly string[];
}

/** `taken` gives the tensor of the state dict for weights of the graph, `isOf` whether a weight has an end's elements. */
export async function findShared(
  unused: readonly string[],
  taken: ReadonlyMap<string, Candidate>,
  { nodes }: ForeignModel,
  ends: readonly [StateDict, StateDict],
  isOf: (held: string, end: StateDict) => Promise<boolean>,
): Promise<Shared> {
  const uses = new Map<string, number>();
  for (const { input } of nodes) for (const name of input) uses.set(name, (uses.get(name) ?? 0) + 1);
  const isRepeated = (held: string | undefined): held is string => held !== undefined && (uses.get(held) ?? 0) > 1;
  const byKey = (keyOf: (name: string) => string) =>
    new Map([...taken].map(([held, { name }]): [string, string] => [keyOf(name), held]));
  const inBoth = (name: string) => ends.map((end) => end.digestOf(name)).join(" ");
  const byBoth = byKey(inBoth);
  const byEnd = ends.map((end) => byKey((name) => end.digestOf(name)));
  const byPattern = byKey(patternOf);
  /** The weight that the exporter wrote for several, going by the end that the graph came from; perhaps from a third network. */
  const writtenFor = async (name: string): Promise<string | undefined> => {
    for (const [i, end] of ends.entries()) {
      const held = byEnd[i].get(end.digestOf(name));
      if (isRepeated(held) && (await isOf(held, end))) return held;
    }
    const held = byPattern.get(patternOf(name));
    if (!isRepeated(held) || (await isOf(held, ends[0])) || (await isOf(held, ends[1]))) return undefined;
    return held;
  };
  const nameOf = (held: string) => taken.get(held)!.name;
  const equal = new Map<string, string>();
  const apart: string[] = [];
  for (const name of unused) {
    const same = byBoth.get(inBoth(name));
    if (same) {
      equal.set(name, nameOf(same));
      continue;
    }
    const written = await writtenFor(name);
    if (written) apart.push(`${name} (as ${nameOf(written)})`);
  }
  return { equal, apart };
}

/** Equal for tensors in the same place of different blocks. */
const patternOf = (name: string) => name.replace(/\d+/g, "#");
