// A decoder as a folder's network.
import type { FolderNetwork } from "../network.ts";
import { flattenSettings } from "../settings.ts";
import { type Decoder, decoderParameters, embeddingName, headName } from "./decoder.ts";
import { decode } from "./graph.ts";
import { layerOfDecoder, tiedBy } from "./groups.ts";

export function decoderNetwork(decoder: Decoder): FolderNetwork {
  const [embedding, head] = [embeddingName(decoder), headName(decoder)];
  const { prefix, isTied, isTransposed, vocabulary, context, positions } = decoder;
  return {
    parameters: decoderParameters(decoder),
    ties: isTied ? [[embedding, head]] : [],
    tiedBy: (group) => tiedBy(decoder, group),
    layerOf: (name, group) => layerOfDecoder(decoder, name, group),
    spellings: (own) => [own, `${prefix}${own}`, ...(own === "lm_head.weight" ? [head] : [])],
    isTransposed,
    settings: (longest) => settingsOf(decoder, longest),
    sizes: sizesOf(decoder),
    isRotated: decoder.blocks.some(({ attention }) => attention.rotary !== undefined),
    input: { kind: "next token", vocabulary, context, isBounded: positions !== undefined },
    task: { kind: "classes", isByToken: true, count: vocabulary },
    forward: ({ input_ids }, weights) => decode(decoder, input_ids, weights),
  };
}

/** `4 blocks`, `width 32`, `4 heads of width 8`, `2 key-value heads`, `MLP 64`, and the number of learned positions. */
function sizesOf({ blocks, width, positions, context }: Decoder): string[] {
  const [{ attention, mlp }] = blocks;
  const { heads, keyValueHeads, headDim } = attention;
  return [
    `${blocks.length} ${blocks.length === 1 ? "block" : "blocks"}`,
    `width ${width}`,
    `${heads} heads of width ${headDim}`,
    ...(keyValueHeads < heads ? [`${keyValueHeads} key-value heads`] : []),
    `MLP ${mlp.width}`,
    ...(positions ? [`${context} positions`] : []),
  ];
}

/** Every setting of the graph by a readable name. Of identical blocks, only the first is listed. */
function settingsOf(decoder: Decoder, longest: number): Map<string, string> {
  const { blocks, context, ...rest } = decoder;
  const found = new Map<string, string>([
    ["blocks", String(blocks.length)],
    ...(decoder.positions ? [["context", String(context)] as const] : []),
    ...flattenSettings(rest, longest),
  ]);
  const seen = new Set<string>();
  for (const [i, block] of blocks.entries()) {
    const own = flattenSettings(block, longest);
    const key = JSON.stringify([...own]);
    if (seen.has(key)) continue;
    seen.add(key);
    for (const [name, value] of own) found.set(`block ${i} ${name}`, value);
  }
  return found;
}
