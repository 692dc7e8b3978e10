// The network of a folder, for measuring and training: its parameters with their layers, and a forward pass over the graph.
import { type Grouping, type Layer, layersOf, type Model } from "../models/index.ts";
import type { ModelFolder } from "./folder.ts";

/** The network that a folder's config.json describes. Layers are blocks by default. */
export function modelOf(
  { family, network }: Pick<ModelFolder, "family" | "network">,
  group: Grouping = "block",
): Model {
  const { parameters, ties, tiedBy, layerOf, forward } = network;
  return {
    name: family.type,
    sizes: {},
    parameters: parameters.map((p) => ({ ...p, layer: layerOf?.(p.name, group) })),
    tied: tiedBy?.(group) ?? ties,
    fileMetadata: { format: "pt" }, // without it transformers 4 refuses a file
    forward,
  };
}

/** The layers of a folder's network, in its order. */
export const layersOfModel = (model: Pick<Model, "parameters" | "tied">, group: Grouping = "block"): Layer[] =>
  layersOf(model, group === "tensor" ? "tensor" : "module");
