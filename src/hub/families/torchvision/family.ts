// What a family of torchvision's networks is: state dicts tell their sizes by their shapes, and which network they are by their names.
import type { FolderNetwork } from "../../network.ts";

/** Shapes of a state dict's tensors by their names. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface Recognised {
  /** torchvision's own name where the sizes are those of one, else the family's. */
  readonly architecture: string;
  readonly network: FolderNetwork;
}

export interface TorchvisionFamily {
  readonly name: string;
  /** The names of torchvision that it has. */
  readonly architectures: readonly string[];
  /** The network with such tensors; undefined where they are another's. */
  recognise(shapes: Shapes): Recognised | undefined;
}

/** Images of no certain size: on which the network is tried. */
export const anySize = { kind: "pixels", height: 224, width: 224 } as const;

/** How many of `prefix`0, `prefix`1, … there are, each with something that ends in `suffix`. */
export function count(shapes: Shapes, prefix: string, suffix: string): number {
  let n = 0;
  while (shapes.has(`${prefix}${n}${suffix}`)) n++;
  return n;
}

/** What may stand before every name: the wrapper of several devices, of a compiler, of a trainer. */
export const wrappers = [[/^(module\.|_orig_mod\.|model\.|net\.|network\.|backbone\.)+/, ""]] as const;
