// Documents as one stream of tokens. The label of a token is the next token, or -100 if that one does not count. The
// rules follow the usual fine-tuning programs; see docs/hugging-face.md.
import { UserError } from "../../core/index.ts";
import type { Document, Message } from "../../data/index.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** The label of a token that does not count. */
export const ignored = -100;

export interface TokenStream {
  readonly ids: Int32Array<ArrayBuffer>;
  /** For each id, the label of the next one; the last id has none. */
  readonly labels: Int32Array<ArrayBuffer>;
}

/**
 * Encodes documents in order, up to `most` tokens. Throws {@link UserError} for a conversation that the template cannot
 * mask.
 */
export async function encodeDocuments(
  documents: AsyncIterable<Document>,
  tokenizer: Tokenizer,
  most = Number.POSITIVE_INFINITY,
): Promise<TokenStream> {
  const ids: number[] = [];
  const counts: boolean[] = [];
  for await (const document of documents) {
    const encoded = encodeDocument(document, tokenizer, most - ids.length);
    for (const id of encoded.ids) ids.push(id);
    for (let i = 0; i < encoded.ids.length; i++) counts.push(encoded.counts(i));
    if (ids.length >= most) break;
  }
  const labels = Int32Array.from(ids.slice(1), (id, i) => (counts[i + 1] ? id : ignored));
  return { ids: Int32Array.from(ids), labels };
}

interface Encoded {
  readonly ids: readonly number[];
  /** Whether the token at an index counts. */
  counts(i: number): boolean;
}

const nothing: Encoded = { ids: [], counts: () => true };

function encodeDocument(document: Document, tokenizer: Tokenizer, most: number): Encoded {
  if ("messages" in document) return encodeMessages(document.messages, tokenizer);
  if ("prompt" in document) {
    const prompt = tokenizer.encode(document.prompt, true);
    const ids = ended([...prompt, ...tokenizer.encode(document.completion, false)], tokenizer);
    return { ids, counts: (i) => i >= prompt.length };
  }
  if (document.text === "") return nothing;
  const start = encodeStart(document.text, tokenizer, most);
  return { ids: start ?? ended(tokenizer.encode(document.text, true), tokenizer), counts: () => true };
}

/** Texts up to this many characters are encoded whole. */
const shortText = 1 << 16;

/**
 * The first `most` ids of a long text, without encoding all of it: if two prefixes of different lengths agree on them,
 * the rest of the text does not affect them. Undefined if the text is short, or if prefixes never agree.
 */
function encodeStart(text: string, tokenizer: Tokenizer, most: number): readonly number[] | undefined {
  for (let length = Math.max(shortText, 8 * most); length * 1.25 < text.length; length *= 2) {
    const [some, more] = [length, length * 1.25].map((end) => tokenizer.encode(text.slice(0, cutAt(text, end)), true));
    const first = some.slice(0, most);
    if (some.length >= most + 64 && first.every((id, i) => id === more[i])) return first;
  }
  return undefined;
}

/** A place to cut that does not split a surrogate pair. */
const cutAt = (text: string, end: number): number =>
  text.codePointAt(Math.floor(end) - 1)! > 0xffff ? Math.floor(end) - 1 : Math.floor(end);

/** The ids with the end token, unless they already end with it. */
function ended(ids: readonly number[], { end }: Tokenizer): readonly number[] {
  return end === undefined || ids.at(-1) === end ? ids : [...ids, end];
}

/**
 * Only the assistant's tokens count: those from the end of the conversation before a message (with the generation
 * prompt) to the end of the message.
 */
function encodeMessages(messages: readonly Message[], tokenizer: Tokenizer): Encoded {
  const encode = (some: readonly Message[], ready: boolean) => tokenizer.encode(tokenizer.render(some, ready), false);
  const ids = encode(messages, false);
  const spans = messages.flatMap(({ role }, i): [number, number][] => {
    if (role !== "assistant") return [];
    const [before, after] = [encode(messages.slice(0, i), true), encode(messages.slice(0, i + 1), false)];
    for (const part of [before, after])
      if (part.some((id, at) => id !== ids[at]))
        throw new UserError(
          "The chat template rewrites earlier messages when a conversation continues, so the assistant's tokens cannot be found. Give prompts and completions instead.",
        );
    return [[before.length, after.length]];
  });
  return { ids, counts: (i) => spans.some(([from, to]) => i >= from && i < to) };
}
