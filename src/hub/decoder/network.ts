// A decoder as a folder's network.
import type { FolderNetwork } from "../network.ts";
import { leavesOf } from "../settings.ts";
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
    settings: () => settingsOf(decoder),
    input: { kind: "next token", vocabulary, context, isBounded: positions !== undefined },
    task: { kind: "classes", isByToken: true, count: vocabulary },
    forward: ({ input_ids }, weights) => decode(decoder, input_ids, weights),
  };
}

/** Everything that the graph is built from, by readable names; of blocks that are alike the first one only. */
function settingsOf({ blocks, ...rest }: Decoder): Map<string, string> {
  const found = new Map([["blocks", String(blocks.length)], ...leavesOf(rest, rest.context)]);
  const seen = new Set<string>();
  for (const [i, block] of blocks.entries()) {
    const own = leavesOf(block, rest.context);
    const key = JSON.stringify([...own]);
    if (seen.has(key)) continue;
    seen.add(key);
    for (const [name, value] of own) found.set(`block ${i} ${name}`, value);
  }
  return found;
}
