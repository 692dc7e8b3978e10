// Networks that score images against texts: what the user gives them beside their folder. Vectors of texts come from a file (--head), sentences from a text
// file with a line for each class (--classes), which the folder's own tokenizer reads.
import { openCheckpoint } from "../../checkpoints/index.ts";
import { convert, readText, type Tensor, UserError } from "../../core/index.ts";
import type { ModelFolder } from "../folder.ts";
import type { Completion, TextHead } from "../network.ts";
import { readTokenizer } from "../text/tokenizer.ts";

export interface TextFiles {
  /** .safetensors with `text_embeds` [classes, dimension] and `logit_scale`. */
  readonly head?: string;
  /** A sentence for each class, one a line. */
  readonly classes?: string;
}

/** The folder with a network that has scores. Throws {@link UserError} where it lacks texts, or has no use for them. */
export async function giveTexts(folder: ModelFolder, { head, classes }: TextFiles): Promise<ModelFolder> {
  const { completion } = folder.network;
  const given = head !== undefined ? "--head" : classes !== undefined ? "--classes" : undefined;
  if (!completion) {
    if (!given) return folder;
    throw new UserError(
      `${given} is for CLIP, but ${folder.path} is ${folder.architecture}, which has a head. Leave it out.`,
    );
  }
  const { withSentences } = completion;
  if (head !== undefined && classes !== undefined)
    throw new UserError("--head and --classes both give the texts that images are compared with. Give one of them.");
  if (head !== undefined) return { ...folder, network: completion.withHead(await readHead(head, completion)) };
  if (classes !== undefined && withSentences)
    return { ...folder, network: withSentences(await readSentences(classes, folder, completion)) };
  throw new UserError(
    withSentences
      ? `${folder.path} compares images with texts. Give a sentence for each class with --classes FILE.txt, or text embeddings with --head FILE.safetensors.`
      : `${folder.path} is CLIP's vision tower, which has no head. Give text embeddings with --head FILE.safetensors (text_embeds and logit_scale).`,
  );
}

async function readHead(path: string, { dimension }: Completion): Promise<TextHead> {
  const file = await openCheckpoint(path);
  try {
    const read = async (name: string): Promise<Tensor> => {
      if (file.tensors.has(name)) return convert(await file.read(name), "float32");
      throw new UserError(
        `${path} has no ${name}. Save text_embeds [classes, ${dimension}] and logit_scale, the logarithm of what the cosines are multiplied by.`,
      );
    };
    const [texts, scale] = [await read("text_embeds"), await read("logit_scale")];
    if (texts.shape.length !== 2 || texts.shape[1] !== dimension || texts.shape[0] === 0)
      throw new UserError(
        `${path} holds text_embeds as [${texts.shape}], but the tower's images are vectors of ${dimension}. Make them with the same model.`,
      );
    if (scale.data.length !== 1)
      throw new UserError(`${path} holds logit_scale as [${scale.shape}], which is not one number. Save one.`);
    return { texts, scale: { ...scale, shape: [] } };
  } finally {
    await file.close();
  }
}

/** Tokens of the lines, filled up to one length behind their ends. */
async function readSentences(path: string, { folder }: ModelFolder, { context = 0, vocabulary = 0 }: Completion) {
  const text = await readText(path);
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  if (lines.at(-1) === "") lines.pop();
  const empty = lines.indexOf("");
  if (lines.length === 0 || empty >= 0)
    throw new UserError(
      `${path} has ${lines.length ? `no sentence in line ${empty + 1}` : "no sentences"}. Give a sentence for each class, one a line.`,
    );
  const tokenizer = await readTokenizer(folder);
  const sentences = lines.map((line) => tokenizer.encode(line, true));
  const long = sentences.findIndex(({ length }) => length > context);
  if (long >= 0)
    throw new UserError(
      `${path}: line ${long + 1} has ${sentences[long].length} tokens, but the network reads ${context}. Shorten the sentence.`,
    );
  const strange = sentences.flat().find((id) => id >= vocabulary);
  if (strange !== undefined)
    throw new UserError(
      `${tokenizer.path} has the token ${strange}, but the network knows ${vocabulary}. Copy the model's own tokenizer.json.`,
    );
  const most = Math.max(...sentences.map(({ length }) => length));
  return sentences.map((ids) => [...ids, ...new Array<number>(most - ids.length).fill(ids.at(-1)!)]);
}
