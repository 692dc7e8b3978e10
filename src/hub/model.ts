// The network of a folder, for measuring and training: its parameters with their layers, and a forward pass over the graph.
import type { Grouping, Model } from "../models/index.ts";
import { decode } from "./decoder/graph.ts";
import { groupParameters, tiedIn } from "./decoder/groups.ts";
import type { ModelFolder } from "./folder.ts";

/** The network that a folder's config.json describes; its input is `input_ids` [n, T], int64. */
export function modelOf({ decoder, family }: Pick<ModelFolder, "decoder" | "family">, group?: Grouping): Model {
  return {
    name: family.type,
    sizes: {},
    parameters: groupParameters(decoder, group),
    tied: tiedIn(decoder, group),
    forward: ({ input_ids }, weights) => decode(decoder, input_ids, weights),
  };
}
