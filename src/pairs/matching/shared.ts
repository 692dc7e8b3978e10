// Exporters write equal initialisers once, such as the weights of all new normalisations, which are ones. A tensor that
// seems unused is then used under another name. That is correct only if the two are equal in both checkpoints.
import { type ForeignModel, lacksBias } from "../../graph/index.ts";
import { moduleOf } from "../../models/index.ts";
import type { Candidate, StateDict } from "./candidates.ts";
import { bias } from "./dropped.ts";

export interface Shared {
  /** Tensors of the state dict that the graph stores under another name, equal to it in both ends. */
  readonly equal: ReadonlyMap<string, string>;
  /** The same, but not equal in both ends, as `X (as Y)`. */
  readonly apart: readonly string[];
}

/**
 * `taken` maps weights of the graph to tensors of the state dict; `isOf` tests whether a weight has an end's elements.
 */
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
  /**
   * The weight that the exporter wrote for several equal tensors, found by the end that the graph came from (or by
   * name, for a third network).
   */
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
  const used = (held: string) => taken.get(held)?.name;
  // an operation without its bias does not use another's
  const lacking = new Set(
    nodes.filter(lacksBias).flatMap(({ input }) => input.map((held) => moduleOf(used(held) ?? ""))),
  );
  const isDropped = (name: string) => bias.test(name) && lacking.has(moduleOf(name));
  const equal = new Map<string, string>();
  const apart: string[] = [];
  for (const name of unused) {
    if (isDropped(name)) continue;
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

/** Equal for corresponding tensors of different blocks. */
const patternOf = (name: string) => name.replace(/\d+/g, "#");
