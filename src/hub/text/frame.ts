// The special tokens that a tokenizer puts around a text or between two, and the truncation of texts that are too long.
// Source: the post-processors and the truncation of the `tokenizers` library.
import { UserError } from "../../core/index.ts";
import type { Json, JsonObject } from "../config.ts";

/** Special tokens, or the place of the first (0) or second (1) text; with the type of its tokens. */
type Piece = { readonly type: number } & ({ readonly ids: readonly number[] } | { readonly text: number });

/** The pieces for one text, and for two. */
export interface Frame {
  readonly single: readonly Piece[];
  readonly pair: readonly Piece[];
}

export interface Encoded {
  readonly ids: readonly number[];
  /** The token type of each id. */
  readonly types: readonly number[];
  /** Number of tokens that were cut. */
  readonly cut: number;
}

const bare: Frame = {
  single: [{ text: 0, type: 0 }],
  pair: [
    { text: 0, type: 0 },
    { text: 1, type: 1 },
  ],
};

/**
 * Reads the frame from a tokenizer.json's `post_processor`. Throws {@link UserError} for an unknown type; `path` names
 * the file.
 */
export function readFrame(processor: Json | undefined, path: string): Frame {
  if (processor === null || processor === undefined) return bare;
  const { type, processors, single, pair, special_tokens, cls, sep } = processor as JsonObject;
  if (type === "ByteLevel") return bare;
  if (type === "Sequence") {
    const own = (processors as JsonObject[]).filter((one) => one.type !== "ByteLevel");
    if (own.length < 2) return readFrame(own[0], path);
  }
  if (type === "TemplateProcessing") {
    const tokens = special_tokens as Readonly<Record<string, { readonly ids: readonly number[] }>>;
    const read = (pieces: Json) => (pieces as JsonObject[]).map((piece) => readPiece(piece, tokens));
    return { single: read(single), pair: read(pair) };
  }
  if (type === "BertProcessing" || type === "RobertaProcessing") {
    const [first, last] = [cls, sep].map((token) => [(token as readonly [string, number])[1]]);
    const isBert = type === "BertProcessing";
    const [begin, text, end] = [
      { ids: first, type: 0 },
      { text: 0, type: 0 },
      { ids: last, type: 0 },
    ];
    const second = isBert ? 1 : 0;
    const rest = [
      { text: 1, type: second },
      { ids: last, type: second },
    ];
    return { single: [begin, text, end], pair: [begin, text, end, ...(isBert ? [] : [end]), ...rest] };
  }
  throw new UserError(
    `${path} has a post_processor of type ${JSON.stringify(type)}, which is not supported. Give the tokens as arrays: npz:FILE.`,
  );
}

function readPiece(piece: JsonObject, tokens: Readonly<Record<string, { readonly ids: readonly number[] }>>): Piece {
  const own = (piece.SpecialToken ?? piece.Sequence) as { readonly id: string; readonly type_id: number };
  if (piece.SpecialToken) return { ids: tokens[own.id].ids, type: own.type_id };
  return { text: own.id === "A" ? 0 : 1, type: own.type_id };
}

/**
 * The ids of one or two texts in their frame, at most `longest` of them. Longer texts are cut at the end, or at the
 * start.
 */
export function fillFrame(
  frame: Frame,
  texts: readonly (readonly number[])[],
  longest: number,
  isCutAtStart = false,
): Encoded {
  const pieces = texts.length === 1 ? frame.single : frame.pair;
  const special = pieces.reduce((sum, piece) => sum + ("ids" in piece ? piece.ids.length : 0), 0);
  const lengths = lengthsWithin(
    texts.map(({ length }) => length),
    Math.max(0, longest - special),
  );
  const kept = texts.map((ids, i) => (isCutAtStart ? ids.slice(ids.length - lengths[i]) : ids.slice(0, lengths[i])));
  const filled = pieces.map((piece) => ({ ids: "ids" in piece ? piece.ids : kept[piece.text], type: piece.type }));
  return {
    ids: filled.flatMap(({ ids }) => ids),
    types: filled.flatMap(({ ids, type }) => ids.map(() => type)),
    cut: texts.reduce((sum, { length }, i) => sum + length - lengths[i], 0),
  };
}

/** "Longest first": the longer of two texts is cut until both have the same length, then both are cut. */
function lengthsWithin(lengths: readonly number[], most: number): readonly number[] {
  if (lengths.reduce((sum, n) => sum + n, 0) <= most) return lengths;
  if (lengths.length === 1) return [most];
  const shorter = Math.min(...lengths);
  const half = Math.floor(most / 2);
  const [small, large] = shorter <= half ? [shorter, most - shorter] : [half, most - half];
  return lengths[0] > lengths[1] ? [large, small] : [small, large];
}
