// The layers of a decoder: its blocks, the halves of its blocks, its modules, or each tensor.
import type { Grouping } from "../../models/index.ts";
import { blockPath, type Decoder, embeddingName, headName } from "./decoder.ts";

/**
 * Groups of names of one tensor; the last name gives its layer. By blocks this is the embedding, else the head, as in
 * PyTorch's state dict.
 */
export function tiedBy(decoder: Decoder, group: Grouping): readonly (readonly string[])[] {
  const names = [embeddingName(decoder), headName(decoder)];
  if (!decoder.isTied) return [];
  return [group === "block" ? names.reverse() : names];
}

/** The layer of a parameter whose name does not give it. */
export function layerOfDecoder(decoder: Decoder, name: string, group: Grouping): string | undefined {
  return { block: blockOf, sublayer: sublayerOf, module: undefined, tensor: undefined }[group]?.(decoder, name);
}

/** `embeddings`, each block by its path, `norm`, `head`. A tied head belongs to the embeddings. */
function blockOf(decoder: Decoder, name: string): string {
  const { prefix, list, positions, finalNorm } = decoder;
  const blocks = `${prefix}${list}.`;
  if (name.startsWith(blocks)) return `${blocks}${Number.parseInt(name.slice(blocks.length), 10)}`;
  if (name.startsWith(`${prefix}${finalNorm}.`)) return "norm";
  const isEmbedding = name === embeddingName(decoder) || name === `${prefix}${positions}.weight`;
  return isEmbedding || decoder.isTied ? "embeddings" : "head";
}

/** The attention's projections are a layer, and so are the MLP's; everything else is grouped by module (undefined). */
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
