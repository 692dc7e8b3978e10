// Texts with labels as samples of two folders: each text, or pair of texts, in the tokenizer's frame, filled up to the longest of them.
import { fromNumbers, sha256, type Tensor, tensor, UserError } from "../../core/index.ts";
import { arrayDataset, type DataOptions, type Dataset, type Row, readRows } from "../../data/index.ts";
import type { ModelFolder } from "../folder.ts";
import { findByName, type NetworkTask, type TextInput } from "../network.ts";
import { type Encoded, fillFrame } from "./frame.ts";
import { commonTokenizer, contextOf } from "./text.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Opens rows of texts and labels. Throws {@link UserError} where they do not fit the network's labels, or the folders' tokenizers differ. */
export async function openLabelled(
  name: string,
  options: DataOptions,
  models: readonly ModelFolder[],
): Promise<Dataset> {
  const { task, input } = models[0].network;
  if (task.isByToken)
    throw new UserError(
      `${models[0].architecture} has a label for each token, which ${name} does not give. Give arrays: npz:FILE with input_ids and labels.`,
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
    return fillFrame(frame, texts, context, tokenizer.isCutAtBeginning);
  });
}

/** `input_ids`, `attention_mask` and, where the network has several types, `token_type_ids`: [n, T]. */
function inputsOf(
  texts: readonly Encoded[],
  tokenizer: Tokenizer,
  hasTypes: boolean,
  name: string,
): Map<string, Tensor> {
  const longest = Math.max(...texts.map(({ ids }) => ids.length));
  const { padding, isPaddedInFront } = tokenizer;
  if (longest === 0) throw new UserError(`All texts of ${name} are empty. Give texts.`);
  if (texts.some(({ ids }) => ids.length < longest)) {
    if (padding === undefined)
      throw new UserError(
        `${tokenizer.path} names no pad_token, by which texts of different lengths are filled up. Set one in tokenizer_config.json.`,
      );
    if (isPaddedInFront)
      throw new UserError(
        `${tokenizer.path} fills texts up in front (padding_side is left), so scores depend on the longest text. Set padding_side to right.`,
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

/** Class indices where labels are whole numbers and not values. */
function labelTensor(rows: readonly Row[], { kind }: NetworkTask): Tensor {
  const lists = rows.map(({ label }) => (typeof label === "number" ? [label] : label));
  const [{ length: width }] = lists;
  const unlike = lists.findIndex(({ length }) => length !== width);
  if (unlike >= 0)
    throw new UserError(
      `Row ${unlike} has ${lists[unlike].length} labels, but the first one has ${width}. Correct it.`,
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
