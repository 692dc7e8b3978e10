// A Hugging Face folder: config.json, weights, tokenizer. The config determines which tensors are required, and their
// shapes.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  adviceOfParts,
  type Checkpoint,
  findUnsupported,
  type OpenOptions,
  openCheckpoint,
  partsOfFolder,
  storedName,
  weightFiles,
  withNote,
  withoutWeights,
} from "../checkpoints/index.ts";
import { decodeText, haveSameBytes, listSome, UserError } from "../core/index.ts";
import { type Adapter, adapterSettings, applyAdapter, isAdapter, readAdapter } from "./adapter.ts";
import { findModel } from "./cache.ts";
import { Config, forDistances, type JsonObject } from "./config.ts";
import { type Family, families } from "./families/index.ts";
import { isTimm, readTimm } from "./families/timm/index.ts";
import { fitWeights } from "./fit-weights.ts";
import { readJson } from "./json.ts";
import type { FolderNetwork } from "./network.ts";

export interface ModelFolder {
  /** As the user gave it. */
  readonly path: string;
  /** Where its files are. For an adapter, the folder of its base. */
  readonly folder: string;
  readonly adapter?: Adapter;
  readonly config: Config;
  readonly family: Family;
  /** The library class that it was saved from. */
  readonly architecture: string;
  readonly network: FolderNetwork;
  /** The weight file, if it was given without a folder: its tensors determine the network, and the config is empty. */
  readonly stateDict?: string;
}

/** The weights of a folder, and its network. */
export interface FolderWeights extends Checkpoint {
  readonly model: ModelFolder;
}

/** True for a folder, or a name in the cache. */
export function isModelFolder(path: string): boolean {
  const folder = findModel(path);
  return existsSync(folder) && statSync(folder).isDirectory();
}

/** The files that from_pretrained reads in addition to the weights and config.json. */
const descriptions = [adapterSettings, "generation_config.json", "tokenizer.json", "tokenizer_config.json"];

/** True for a folder that describes its model, rather than holding weights only. */
export function hasDescription(path: string): boolean {
  if (!isModelFolder(path)) return false;
  const folder = findModel(path);
  const file = join(folder, "config.json");
  return (
    descriptions.some((name) => existsSync(join(folder, name))) || (existsSync(file) && namesModel(readFileSync(file)))
  );
}

/**
 * Whether a config.json describes a model. Those of pipeline parts (diffusers, sentence-transformers) only list
 * constructor arguments.
 */
function namesModel(json: Buffer): boolean {
  try {
    const keys = JSON.parse(decodeText(json, "config.json")) as JsonObject;
    return ["model_type", "architectures", "architecture"].some((key) => keys[key] !== undefined);
  } catch {
    return true; // the fault is reported where the file is read
  }
}

/** Reads the config of a folder. Throws {@link UserError} for an unknown family or an unsupported setting. */
export async function readModelFolder(path: string): Promise<ModelFolder> {
  const folder = findModel(path);
  if (existsSync(folder) && isAdapter(folder)) {
    const adapter = await readAdapter(folder);
    return { ...(await readModelFolder(adapter.base)), path, adapter };
  }
  const file = join(folder, "config.json");
  if (!existsSync(file)) {
    const parts = isModelFolder(path) ? await partsOfFolder(folder) : [];
    const stranger = parts.length ? undefined : findUnsupported(folder);
    if (stranger) throw stranger;
    const advice = parts.length ? adviceOfParts(parts) : "Copy it from where the model came from.";
    throw new UserError(`${path} has no config.json, so its architecture is unknown. ${advice}`);
  }
  const config = new Config(file, await readJson(file));
  refuseQuantised(config);
  const { family, architecture } = isTimm(config) ? { family: readTimm(config) } : readFamily(config);
  const network = family.read(config, architecture);
  return { path, folder, config, family, architecture: architecture ?? family.architectures[0], network };
}

/** The family of a config.json, and its architecture if it names one. */
function readFamily(config: Config): { family: Family; architecture?: string } {
  if (config.has("_class_name") && !config.has("model_type"))
    throw new UserError(
      `${config.path}: _class_name is ${config.text("_class_name")}, a diffusers model, which layerwise cannot evaluate. ${forDistances}`,
    );
  if (!config.has("model_type"))
    throw new UserError(
      `${config.path} has no model_type, so it was not written by transformers, and its architecture is unknown. ${forDistances}`,
    );
  const type = config.text("model_type");
  const family = families.find((one) => one.type === type);
  if (!family) throw unknownFamily(config, type);
  const architectures = config.keys.architectures;
  const [first] = Array.isArray(architectures) ? architectures : [];
  const architecture = typeof first === "string" ? first : undefined;
  if (architecture !== undefined && !family.architectures.includes(architecture)) {
    const known = family.isChosenByArchitecture ? listSome(family.architectures, 8) : family.architectures[0];
    throw new UserError(
      `${config.path}: the architecture is ${architecture}, but for ${type} layerwise evaluates only ${known}. Give a folder with that architecture. ${forDistances}`,
    );
  }
  return { family, architecture };
}

/** The keys that mark quantised weights: of transformers, MLX, and early compressed-tensors. */
const quantisationKeys = ["quantization_config", "quantization", "compression_config"];

function refuseQuantised(config: Config): void {
  const key = quantisationKeys.find((one) => config.has(one));
  const settings = key && config.keys[key];
  if (!settings) return;
  const { quant_method, bits } = typeof settings === "object" ? (settings as JsonObject) : {};
  const method = quant_method ?? (bits ? `${bits} bits, by MLX` : "an unknown method");
  throw new UserError(
    `${config.path}: the weights are quantised (${method}), so they cannot be averaged. Give the folder that they were quantised from.`,
  );
}

function unknownFamily(config: Config, type: string): UserError {
  const code = config.has("auto_map") ? " (its own code, auto_map, is never run)" : "";
  const known = families.map((one) => one.type);
  return new UserError(
    `${config.path}: model_type "${type}" is not supported${code}. Supported are ${listSome(known, 20)}. ${forDistances}`,
  );
}

/**
 * Opens the weights of a folder under the names of the family's model. The head has its own name even if it is tied.
 */
export async function openWeights(model: ModelFolder, options: OpenOptions = {}): Promise<FolderWeights> {
  const { adapter, network } = model;
  const base = await openOwnWeights(model, options);
  if (!adapter) return { ...base, model };
  const end = await applyAdapter(base, adapter, network.isTransposed ?? false).catch(async (error) => {
    await base.close();
    throw error;
  });
  try {
    for (const names of network.ties) await requireTied(end, names);
    return { ...end, model };
  } catch (error) {
    await end.close();
    throw error;
  }
}

/** Throws {@link UserError} if an adapter unties a head from its embedding. */
async function requireTied(end: Checkpoint, [first, ...others]: readonly string[]): Promise<void> {
  for (const other of others) {
    if (![first, other].some((name) => end.computed?.has(name))) continue;
    if (!haveSameBytes(await end.read(first), await end.read(other)))
      throw new UserError(
        `${end.path} changes ${first} and ${other} differently, but its base ties them. Merge the adapter in Python (merge_and_unload), with tie_word_embeddings set to false.`,
      );
  }
}

async function openOwnWeights(model: ModelFolder, options: OpenOptions): Promise<Checkpoint> {
  const file = await openCheckpoint(weightFileOf(model), options);
  try {
    return await fitWeights(model, model.stateDict ? file : noteCode(model.config, noteWrappers(file)));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A folder may bring code of its own for a family that is known. */
const noteCode = ({ keys, path }: Config, file: Checkpoint): Checkpoint =>
  keys.auto_map === undefined
    ? file
    : withNote(
        file,
        `${path} names code of its own (auto_map), which is never run: layerwise evaluates the network by its model_type.`,
      );

/** A model saved inside its wrapper (torch.compile, DataParallel) has names that from_pretrained does not know. */
function noteWrappers(file: Checkpoint): Checkpoint {
  const wrapped = [...file.tensors.keys()].map((name) => storedName(file, name)).find((own) => !file.tensors.has(own));
  if (wrapped === undefined) return file;
  const fault = `${file.path} was saved with its wrapper (${wrapped}), so from_pretrained does not find its weights`;
  return {
    ...withNote(file, `${fault}.`),
    readOnly: `${fault}, nor would it in a merged folder. Save the model without the wrapper (model._orig_mod.save_pretrained after torch.compile, model.module.save_pretrained after DataParallel), or give the other folder first.`,
  };
}

/** The weight file of a folder, or the index of its shards: the first one that from_pretrained looks for. */
export function weightFileOf({ path, folder, stateDict }: Pick<ModelFolder, "path" | "folder" | "stateDict">): string {
  if (stateDict) return stateDict;
  const name = weightFiles.find((one) => existsSync(join(folder, one)));
  if (name) return join(folder, name);
  const stranger = findUnsupported(folder);
  if (stranger) throw stranger;
  throw withoutWeights(path, existsSync(folder) ? readdirSync(folder) : []);
}
