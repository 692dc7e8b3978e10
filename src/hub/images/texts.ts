// Networks that score images against texts need the texts: text embeddings from a file (--head), or a text file with
// one sentence for each class (--classes), which the folder's tokenizer reads.
import { openCheckpoint } from "../../checkpoints/index.ts";
import { convert, readText, type Tensor, UserError } from "../../core/index.ts";
import type { ModelFolder } from "../folder.ts";
import type { Completion, TextHead } from "../network.ts";
import { readTokenizer } from "../text/tokenizer.ts";

export interface TextFiles {
  /** .safetensors with `text_embeds` [classes, dimension] and `logit_scale`. */
  readonly head?: string;
  /** A text file with one sentence for each class, one per line. */
  readonly classes?: string;
}

/**
 * Returns the folder with a network that gives scores. Throws {@link UserError} if it needs texts, or if it cannot use
 * them.
 */
export async function attachTexts(folder: ModelFolder, { head, classes }: TextFiles): Promise<ModelFolder> {
  const { completion } = folder.network;
  const given = head !== undefined ? "--head" : classes !== undefined ? "--classes" : undefined;
  if (!completion) {
    if (!given) return folder;
    throw new UserError(
      `${given} is for CLIP, but ${folder.path} is ${folder.architecture}, which has its own head. Omit it.`,
    );
  }
  const { withSentences } = completion;
  if (head !== undefined && classes !== undefined)
    throw new UserError(
      "--head and --classes both give the texts that images are compared with. Use only one of them.",
    );
  if (head !== undefined) return { ...folder, network: completion.withHead(await readHead(head, completion)) };
  if (classes !== undefined && withSentences)
    return { ...folder, network: withSentences(await readSentences(classes, folder, completion)) };
  throw new UserError(
    withSentences
      ? `${folder.path} compares images with texts. Give a sentence for each class with --classes FILE.txt, or text embeddings with --head FILE.safetensors.`
      : `${folder.path} is CLIP's vision tower, which has no texts. Give text embeddings with --head FILE.safetensors (text_embeds and logit_scale).`,
  );
}

async function readHead(path: string, { dimension }: Completion): Promise<TextHead> {
  const file = await openCheckpoint(path);
  try {
    const read = async (name: string): Promise<Tensor> => {
      if (file.tensors.has(name)) return convert(await file.read(name), "float32");
      throw new UserError(
        `${path} has no ${name}. Save text_embeds [classes, ${dimension}] and logit_scale, the logarithm of the factor of the cosines.`,
      );
    };
    const [texts, scale] = [await read("text_embeds"), await read("logit_scale")];
    if (texts.shape.length !== 2 || texts.shape[1] !== dimension || texts.shape[0] === 0)
      throw new UserError(
        `${path}: text_embeds has shape [${texts.shape}], but the vision tower gives vectors of length ${dimension}. Compute the embeddings with the same model.`,
      );
    if (scale.data.length !== 1)
      throw new UserError(`${path}: logit_scale has shape [${scale.shape}], but must be one number. Save a scalar.`);
    return { texts, scale: { ...scale, shape: [] } };
  } finally {
    await file.close();
  }
}

/** The tokens of the lines, padded to one length after their end tokens. */
async function readSentences(path: string, { folder }: ModelFolder, { context = 0, vocabulary = 0 }: Completion) {
  const text = await readText(path);
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  if (lines.at(-1) === "") lines.pop();
  const empty = lines.indexOf("");
  if (lines.length === 0 || empty >= 0)
    throw new UserError(
      `${path} has ${lines.length ? `no sentence in line ${empty + 1}` : "no sentences"}. Give one sentence for each class, one per line.`,
    );
  const tokenizer = await readTokenizer(folder);
  const sentences = lines.map((line) => tokenizer.encode(line, true));
  const long = sentences.findIndex(({ length }) => length > context);
  if (long >= 0)
    throw new UserError(
      `${path}: line ${long + 1} has ${sentences[long].length} tokens, but the network reads at most ${context}. Shorten the sentence.`,
    );
  const outside = sentences.flat().find((id) => id >= vocabulary);
  if (outside !== undefined)
    throw new UserError(
      `${tokenizer.path} gives token ${outside}, but the network's vocabulary has ${vocabulary} tokens. Copy the model's own tokenizer.json.`,
    );
  const most = Math.max(...sentences.map(({ length }) => length));
  return sentences.map((ids) => [...ids, ...new Array<number>(most - ids.length).fill(ids.at(-1)!)]);
}
