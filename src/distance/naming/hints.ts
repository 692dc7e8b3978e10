// Why two checkpoints of one architecture may have different names, with what to do.
import { findFactors } from "../../models/index.ts";

interface Named {
  readonly path: string;
  readonly names: readonly string[];
}

/** The sentence for a form that only one of two files has; undefined if no known form explains the difference. */
export function findHint(a: Named, b: Named): string | undefined {
  return hintFor(a, b) ?? hintFor(b, a);
}

/**
 * A name that is only in a and one that is only in b, equal apart from counters (`conv2d`, `conv2d_3`), if others with
 * such counters are in both. Keras counts through all networks of a session, so the counters may be shifted.
 */
export function findShifted(
  a: readonly string[],
  onlyA: readonly string[],
  onlyB: readonly string[],
): readonly [string, string] | undefined {
  const uncounted = (name: string) => name.replace(/(_\d+)+(?=[./]|$)/g, "");
  const others = new Map(onlyB.map((name) => [uncounted(name), name]));
  const own = new Set(onlyA);
  const common = new Set(a.filter((name) => !own.has(name)).map(uncounted));
  const name = onlyA.find((one) => others.has(uncounted(one)) && common.has(uncounted(one)));
  return name === undefined ? undefined : [name, others.get(uncounted(name))!];
}

type Has = (name: string) => boolean;

/** A way in which PyTorch stores a weight as several tensors. */
interface Form {
  readonly what: string;
  /** The functions that undo it. */
  readonly undo: string;
  /** The weight's name without the form, if this is the name of its main tensor. */
  plainName(name: string, has: Has): string | undefined;
}

const forms: readonly Form[] = [
  {
    // before weight normalisation, which also has a `weight_v`
    what: "spectral normalisation",
    undo: "remove_spectral_norm or remove_parametrizations",
    plainName: (name, has) =>
      has(name.replace(/orig$/, "u").replace(/original$/, "0._u"))
        ? replaced(name, /weight_orig$|parametrizations\.weight\.original$/, "weight")
        : undefined,
  },
  {
    what: "weight normalisation",
    undo: "remove_weight_norm or remove_parametrizations",
    plainName: (name) => replaced(name, /weight_v$|parametrizations\.weight\.original1$/, "weight"),
  },
  {
    what: "pruning with masks",
    undo: "torch.nn.utils.prune.remove",
    plainName: (name, has) => (has(name.replace(/_orig$/, "_mask")) ? replaced(name, /_orig$/, "") : undefined),
  },
];

const replaced = (name: string, pattern: RegExp, by: string): string | undefined =>
  pattern.test(name) ? name.replace(pattern, by) : undefined;

function hintFor({ path, names }: Named, other: Named): string | undefined {
  if (findFactors(names) && !findFactors(other.names))
    return `${path} contains a LoRA adapter beside its network, and ${other.path} does not. Merge the adapter into the network and save it again (in PEFT: merge_and_unload).`;
  const [own, plain] = [new Set(names), new Set(other.names)];
  for (const { what, undo, plainName } of forms) {
    const name = names.find((name) => {
      const bare = plainName(name, (one) => own.has(one));
      return bare !== undefined && plain.has(bare) && !plain.has(name);
    });
    if (name !== undefined)
      return `${path} has ${what} (${name}), and ${other.path} does not. Remove it in one, or keep it in both (PyTorch: ${undo}), and save again.`;
  }
  const isUnnamed = (all: readonly string[]) => all.length > 0 && all.every((name) => /^arr_\d+$/.test(name));
  if (isUnnamed(names) && !isUnnamed(other.names))
    return `${path} was saved without names (${names[0]}). In Python, save each array under its parameter's name: numpy.savez(path, **arrays), with a dictionary of arrays.`;
  const [apart, fused] = [names, other.names].map((all, i) => all.find((name) => experts[i].test(name)));
  if (apart !== undefined && fused !== undefined)
    return `${path} has a tensor for each expert (${apart}), and ${other.path} has one for all (${fused}). Save both in one form (transformers: save_pretrained with the same save_original_format).`;
  return undefined;
}

/** Names of experts of a layer that are apart, and together. */
const experts = [/(^|\.)experts\.\d+\./, /(^|\.)experts\.(?!\d+\.)\w+/];
