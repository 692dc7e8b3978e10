// A Hugging Face folder: config.json, weights, tokenizer. The config decides which tensors there must be and of what shape; the files' names may be those
// of older libraries. What does not fit is refused, even where transformers would go on with random weights.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Checkpoint, type OpenOptions, openCheckpoint, selectTensors, weightFiles } from "../checkpoints/index.ts";
import { bytesOf, isFloating, listSome, UserError } from "../core/index.ts";
import { type Adapter, applyAdapter, isAdapter, readAdapter } from "./adapter.ts";
import { findModel } from "./cache.ts";
import { Config } from "./config.ts";
import { type Decoder, decoderParameters, embeddingName, headName } from "./decoder/decoder.ts";
import { type Family, families } from "./families/index.ts";
import { readJson } from "./json.ts";

export interface ModelFolder {
  /** As the user gave it. */
  readonly path: string;
  /** Where its files are; of an adapter those of its base. */
  readonly folder: string;
  readonly adapter?: Adapter;
  readonly config: Config;
  readonly family: Family;
  readonly decoder: Decoder;
}

/** The weights of a folder, and the network that they are of. */
export interface FolderWeights extends Checkpoint {
  readonly model: ModelFolder;
}

/** True for a folder, or a name that the cache has. */
export function isModelFolder(path: string): boolean {
  const folder = findModel(path);
  return existsSync(folder) && statSync(folder).isDirectory();
}

/** What from_pretrained reads beside the weights. */
const descriptions = [
  "config.json",
  "adapter_config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
];

/** True for a folder that says what model it holds, not only weights. */
export function hasDescription(path: string): boolean {
  if (!isModelFolder(path)) return false;
  const folder = findModel(path);
  return descriptions.some((name) => existsSync(join(folder, name)));
}

/** Reads the config of a folder. Throws {@link UserError} for an unknown family, or a setting that is not handled. */
export async function readModelFolder(path: string): Promise<ModelFolder> {
  const folder = findModel(path);
  if (existsSync(folder) && isAdapter(folder)) {
    const adapter = await readAdapter(folder);
    return { ...(await readModelFolder(adapter.base)), path, adapter };
  }
  const file = join(folder, "config.json");
  if (!existsSync(file))
    throw new UserError(
      `${path} has no config.json, so its architecture is unknown. Copy it from where the model came from.`,
    );
  const config = new Config(file, await readJson(file));
  refuseQuantised(config);
  const type = config.text("model_type");
  const family = families.find((one) => one.type === type);
  if (!family) throw unknownFamily(config, type);
  const architectures = config.keys.architectures;
  const [architecture] = Array.isArray(architectures) ? architectures : [];
  if (typeof architecture === "string" && !family.architectures.includes(architecture))
    throw new UserError(
      `${file}: the architecture is ${architecture}, but layerwise evaluates ${family.architectures[0]} of ${type}. Give a folder of that kind.`,
    );
  return { path, folder, config, family, decoder: family.read(config) };
}

function refuseQuantised(config: Config): void {
  const quantisation = config.part("quantization_config");
  if (!quantisation) return;
  const method = quantisation.text("quant_method", "an unknown method");
  throw new UserError(
    `${config.path}: the weights are quantised (${method}), so they have no average. Give the folder that they were quantised from.`,
  );
}

function unknownFamily(config: Config, type: string): UserError {
  const code = config.has("auto_map") ? ", and its own code (auto_map) is never run" : "";
  const known = families.map((one) => one.type);
  return new UserError(
    `${config.path}: model_type is "${type}", which layerwise does not know${code}. It knows ${listSome(known, 20)}; for distances alone, give the files of the weights.`,
  );
}

/** Opens the weights of a folder under the names that the family's model has. The head is there under its own name, also where it is tied. */
export async function openWeights(model: ModelFolder, options: OpenOptions = {}): Promise<FolderWeights> {
  const { adapter, decoder } = model;
  const base = await openOwnWeights(model, options);
  const weights = adapter ? await applyAdapter(base, adapter, decoder.isTransposed ?? false) : base;
  return { ...weights, model };
}

async function openOwnWeights(model: ModelFolder, options: OpenOptions): Promise<Checkpoint> {
  const { path, folder } = model;
  const name = weightFiles.find((one) => existsSync(join(folder, one)));
  if (!name) throw new UserError(`${path} has no weights. Give a folder with one of ${weightFiles.join(", ")}.`);
  const file = await openCheckpoint(join(folder, name), options);
  try {
    return await fitNames(model, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Tensors that older libraries wrote beside the weights: causal masks, rotary frequencies. */
const isBuffer = (name: string) =>
  /(^|\.)rotary_emb\.inv_freq$/.test(name) ||
  /\.attention\.(masked_)?bias$/.test(name) ||
  /\.attn\.(masked_)?bias$/.test(name);

async function fitNames({ path, decoder }: ModelFolder, file: Checkpoint): Promise<Checkpoint> {
  const parameters = decoderParameters(decoder);
  const wanted = new Map(parameters.map((p) => [p.name, p]));
  const [embedding, head] = [embeddingName(decoder), headName(decoder)];
  const stored = new Map<string, string>();
  const unknown: string[] = [];
  for (const own of file.tensors.keys()) {
    const name = [own, `${decoder.prefix}${own}`, own === "lm_head.weight" ? head : ""].find((one) => wanted.has(one));
    if (name && !stored.has(name)) stored.set(name, own);
    else if (name || !isBuffer(own)) unknown.push(own);
  }
  if (unknown.length)
    throw new UserError(
      `${file.path} holds tensors that config.json does not provide for: ${listSome(unknown, 4)}. Give the config.json that belongs to these weights.`,
    );
  if (decoder.isTied) await tieHead(file, stored, embedding, head);
  const missing = parameters.filter(({ name }) => !stored.has(name)).map(({ name }) => name);
  if (missing.length)
    throw new UserError(
      `${file.path} lacks ${listSome(missing, 4)}, which config.json provides for. Give the config.json that belongs to these weights.`,
    );
  const unlike = parameters.filter(
    ({ name, shape }) => String(file.tensors.get(stored.get(name)!)!.shape) !== String(shape),
  );
  if (unlike.length) {
    const [{ name, shape }] = unlike;
    throw new UserError(
      `${file.path} holds ${name} as [${file.tensors.get(stored.get(name)!)!.shape}], but by ${join(path, "config.json")} it is [${shape}]. Give the config.json that belongs to these weights.`,
    );
  }
  const whole = parameters.find(({ name }) => !isFloating(file.tensors.get(stored.get(name)!)!.dtype));
  if (whole)
    throw new UserError(
      `${file.path} holds ${whole.name} in ${file.tensors.get(stored.get(whole.name)!)!.dtype}, which are codes and not weights. Give the float model.`,
    );
  return selectTensors(file, new Map(parameters.map(({ name }) => [name, stored.get(name)!])));
}

/** The head is the embedding. Throws {@link UserError} where the file has both, and they differ: libraries do not agree on what that means. */
async function tieHead(file: Checkpoint, stored: Map<string, string>, embedding: string, head: string): Promise<void> {
  const [own, other] = [stored.get(embedding), stored.get(head)];
  if (own && other && !file.tied?.some((names) => names.includes(own) && names.includes(other))) {
    const [x, y] = [await file.read(own), await file.read(other)];
    if (Buffer.compare(bytesOf(x), bytesOf(y)) !== 0)
      throw new UserError(
        `${file.path} holds both ${own} and ${other}, which differ though config.json ties them. Set tie_word_embeddings to what the model was trained with.`,
      );
  }
  const there = own ?? other;
  if (!there) return;
  stored.set(embedding, there);
  stored.set(head, there);
}
