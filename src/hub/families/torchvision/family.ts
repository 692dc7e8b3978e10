// The interface of a family of torchvision networks. The names in a state dict identify the network, and the shapes
// give its sizes.
import type { FolderNetwork } from "../../network.ts";

/** Shapes of a state dict's tensors by their names. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface Recognised {
  /** torchvision's name of the network if the sizes match one, else the family's name. */
  readonly architecture: string;
  readonly network: FolderNetwork;
}

export interface TorchvisionFamily {
  readonly name: string;
  /** torchvision's names of its networks. */
  readonly architectures: readonly string[];
  /** The network with such tensors; undefined if they belong to another family. */
  recognise(shapes: Shapes): Recognised | undefined;
}

/** Images of any size; this one is used to trace the network. */
export const anySize = { kind: "pixels", height: 224, width: 224 } as const;

/** Counts the names `prefix`0`suffix`, `prefix`1`suffix`, … */
export function count(shapes: Shapes, prefix: string, suffix: string): number {
  let n = 0;
  while (shapes.has(`${prefix}${n}${suffix}`)) n++;
  return n;
}

/** Prefixes that may precede every name: of multi-device wrappers, compilers and trainers. */
export const wrappers = [[/^(module\.|_orig_mod\.|model\.|net\.|network\.|backbone\.)+/, ""]] as const;
