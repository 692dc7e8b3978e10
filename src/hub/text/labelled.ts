// Labelled texts as samples for folders: each text, or pair of texts, in the tokenizer's frame, padded to the longest
// one.
import { fromNumbers, sha256, type Tensor, tensor, UserError } from "../../core/index.ts";
import { arrayDataset, type DataOptions, type Dataset, type Row, readRows } from "../../data/index.ts";
import type { ModelFolder } from "../folder.ts";
import { findByName, type NetworkTask, type TextInput } from "../network.ts";
import { type Encoded, fillFrame } from "./frame.ts";
import { commonTokenizer, contextOf } from "./text.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Opens rows of texts and labels. Throws {@link UserError} if the labels do not fit the network, or if the folders'
 * tokenizers differ.
 */
export async function openLabelled(
  name: string,
  options: DataOptions,
  models: readonly ModelFolder[],
): Promise<Dataset> {
  const { task, input } = models[0].network;
  if (task.isByToken)
    throw new UserError(
      `${models[0].architecture} needs a label for each token, but ${name} has one for each text. Give arrays: npz:FILE with input_ids and labels.`,
    );
  const { types } = input as TextInput;
  const context = contextOf(models, options.context);
  const tokenizer = await commonTokenizer(models);
  const { split, rows } = await readRows(name, {
    split: options.split,
    samples: options.samples,
    ...findByName(task),
  });
  const texts = encodeRows(rows, tokenizer, context);
  const labels = labelTensor(rows, task);
  const inputs = inputsOf(texts, tokenizer, types > 1 && tokenizer.hasTypes, name);
  const data = arrayDataset(name, name, { inputs, labels }, { split }, notesOf(texts, context));
  const hashOf = (samples: number) =>
    sha256(
      JSON.stringify([
        texts.slice(0, samples).map(({ ids, types }) => [ids, types]),
        rows.slice(0, samples).map(({ label }) => label),
      ]),
    );
  return { ...data, sha256: hashOf(rows.length), hashOf };
}

function encodeRows(rows: readonly Row[], tokenizer: Tokenizer, context: number): Encoded[] {
  const frame = tokenizer.frame();
  return rows.map(({ text, pair }) => {
    const texts = [text, ...(pair === undefined ? [] : [pair])].map((one) => tokenizer.encode(one, false));
    return fillFrame(frame, texts, context, tokenizer.isCutAtStart);
  });
}

/** `input_ids`, `attention_mask` and, if the network has several token types, `token_type_ids`: [n, T]. */
function inputsOf(
  texts: readonly Encoded[],
  tokenizer: Tokenizer,
  hasTypes: boolean,
  name: string,
): Map<string, Tensor> {
  const longest = Math.max(...texts.map(({ ids }) => ids.length));
  const { padding, isPaddedLeft } = tokenizer;
  if (longest === 0) throw new UserError(`All texts of ${name} are empty. Give texts with at least one token.`);
  if (texts.some(({ ids }) => ids.length < longest)) {
    if (padding === undefined)
      throw new UserError(
        `${tokenizer.path} has no pad_token, which texts of different lengths need. Set one in tokenizer_config.json.`,
      );
    if (isPaddedLeft)
      throw new UserError(
        `${tokenizer.path} pads texts on the left (padding_side), so scores would depend on the longest text. Set padding_side to right.`,
      );
  }
  const fill = (valuesOf: (text: Encoded) => ArrayLike<number>, rest: number): Tensor => {
    const filled = tensor("int64", [texts.length, longest]);
    texts.forEach((text, row) => {
      const values = valuesOf(text);
      for (let i = 0; i < longest; i++) filled.data[row * longest + i] = BigInt(i < values.length ? values[i] : rest);
    });
    return filled;
  };
  return new Map([
    ["input_ids", fill(({ ids }) => ids, padding ?? 0)],
    ["attention_mask", fill(({ ids }) => ids.map(() => 1), 0)],
    ...(hasTypes ? [["token_type_ids", fill(({ types }) => types, 0)] as const] : []),
  ]);
}

/** Class indices if the task has classes and all labels are integers, else float values. */
function labelTensor(rows: readonly Row[], { kind }: NetworkTask): Tensor {
  const lists = rows.map(({ label }) => (typeof label === "number" ? [label] : label));
  const [{ length: width }] = lists;
  const unlike = lists.findIndex(({ length }) => length !== width);
  if (unlike >= 0)
    throw new UserError(
      `Row ${unlike} has ${lists[unlike].length} labels, but row 0 has ${width}. Give every row the same number of labels.`,
    );
  const isSingle = typeof rows[0].label === "number";
  const values = Float64Array.from(lists.flat());
  const areClasses = isSingle && kind === "classes" && values.every(Number.isInteger);
  const shape = isSingle ? [rows.length] : [rows.length, width];
  return areClasses ? tensor("int64", shape, values) : fromNumbers("float32", shape, values);
}

function notesOf(texts: readonly Encoded[], context: number): string[] | undefined {
  const cut = texts.filter((text) => text.cut > 0).length;
  if (cut === 0) return undefined;
  return [`${cut} of ${texts.length} texts are longer than ${context} tokens (--context) and are cut.`];
}
