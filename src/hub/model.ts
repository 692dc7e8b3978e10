// The network of a folder, for measuring and training: its parameters with their layers, and a forward pass that builds
// a graph.
import type { Grouping, Model } from "../models/index.ts";
import type { ModelFolder } from "./folder.ts";

/** The network described by a folder's config.json. Layers are blocks by default; `layersOf` lists them. */
export function modelOf(
  { family, network }: Pick<ModelFolder, "family" | "network">,
  group: Grouping = "block",
): Model {
  const { parameters, ties, tiedBy, layerOf, forward } = network;
  return {
    name: family.type,
    sizes: {},
    parameters: parameters.map((p) => ({ ...p, layer: group === "tensor" ? p.name : layerOf?.(p.name, group) })),
    tied: tiedBy?.(group) ?? ties,
    fileMetadata: { format: "pt" }, // transformers 4 refuses files without it
    forward,
  };
}
