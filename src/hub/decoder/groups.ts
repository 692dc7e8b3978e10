// What counts as a layer of a decoder: its blocks, the halves of its blocks, its modules, or each tensor.
import { type Grouping, type Layer, layersOf, type Model, type Parameter } from "../../models/index.ts";
import { blockPath, type Decoder, decoderParameters, embeddingName, headName } from "./decoder.ts";

/** Groups of names that are one tensor; the last one gives its layer: by blocks the embedding, else the head, as PyTorch's state dict has it. */
export function tiedIn(decoder: Decoder, group: Grouping = "block"): Model["tied"] {
  const names = [embeddingName(decoder), headName(decoder)];
  if (!decoder.isTied) return [];
  return [group === "block" ? names.reverse() : names];
}

/** The parameters, with the layer that each belongs to. */
export function groupParameters(decoder: Decoder, group: Grouping = "block"): Parameter[] {
  const layerOf = { block: blockOf, sublayer: sublayerOf, module: undefined, tensor: undefined }[group];
  return decoderParameters(decoder).map((p) => ({ ...p, layer: layerOf?.(decoder, p.name) }));
}

/** The layers, in the model's order. */
export const layersOfDecoder = (decoder: Decoder, group: Grouping = "block"): Layer[] =>
  layersOf(
    { parameters: groupParameters(decoder, group), tied: tiedIn(decoder, group) },
    group === "tensor" ? "tensor" : "module",
  );

/** `embeddings`, each block by its path, `norm`, `head`. A tied head belongs to the embeddings. */
function blockOf(decoder: Decoder, name: string): string {
  const { prefix, list, positions, finalNorm } = decoder;
  const blocks = `${prefix}${list}.`;
  if (name.startsWith(blocks)) return `${blocks}${Number.parseInt(name.slice(blocks.length), 10)}`;
  if (name.startsWith(`${prefix}${finalNorm}.`)) return "norm";
  const isEmbedding = name === embeddingName(decoder) || name === `${prefix}${positions}.weight`;
  return isEmbedding || decoder.isTied ? "embeddings" : "head";
}

/** The projections of attention, and those of the MLP; everything else by its module. */
function sublayerOf(decoder: Decoder, name: string): string | undefined {
  for (const [i, { attention, mlp }] of decoder.blocks.entries()) {
    const path = `${blockPath(decoder, i)}.`;
    if (!name.startsWith(path)) continue;
    const half = (module: string) => module.replace(/\.[^.]*$/, "");
    const own = name.slice(path.length);
    const projections = [attention.out, ...Object.values(attention.project), mlp.down, ...Object.values(mlp.project)];
    const module = projections.find((one) => own.startsWith(`${one}.`));
    return module && `${path}${half(module)}`;
  }
  return undefined;
}
