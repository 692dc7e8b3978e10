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

function hintFor({ path, names }: Named, other: Named): string | undefined {
  if (findFactors(names) && !findFactors(other.names))
    return `${path} contains a LoRA adapter beside its network, and ${other.path} does not. Merge the adapter into the network and save it again (in PEFT: merge_and_unload).`;
  const plain = new Set(other.names);
  const normed = names.find((name) => plain.has(plainName(name)) && !plain.has(name));
  if (normed !== undefined)
    return `${path} has weight normalisation (${normed}), and ${other.path} does not. Remove it in one, or keep it in both (PyTorch: remove_weight_norm or remove_parametrizations), and save again.`;
  return undefined;
}

/** The weight's name without the direction of weight normalisation. */
const plainName = (name: string): string =>
  name.replace(/weight_v$/, "weight").replace(/parametrizations\.weight\.original1$/, "weight");
