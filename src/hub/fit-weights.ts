// The tensors of a file under the names of a network. Files may use the names of older libraries. Tensors that do not
// fit are refused, even where transformers would continue with random weights.
import { join } from "node:path";
import { type Checkpoint, describeEmptyTensors, keyOption, selectTensors } from "../checkpoints/index.ts";
import { haveSameBytes, isFloating, listSome, UserError } from "../core/index.ts";
import type { FolderNetwork } from "./network.ts";

/** A network, and what determined it: the config.json of the folder `path`, or the tensors of a file alone. */
interface Described {
  readonly path: string;
  readonly architecture: string;
  readonly network: FolderNetwork;
  readonly stateDict?: string;
}

/** Buffers that older libraries saved with the weights: causal masks, positions, rotary frequencies. */
const isBuffer = (name: string) =>
  /(^|\.)rotary_emb\.inv_freq$/.test(name) ||
  /(^|\.)position_ids$/.test(name) ||
  /\.attention\.(masked_)?bias$/.test(name) ||
  /\.attn\.(masked_)?bias$/.test(name);

/** Tensors of quantised weights: of GPTQ and AWQ, MLX, bitsandbytes, compressed-tensors and eight-bit floats. */
const quantised =
  /\.(qweight|qzeros|g_idx|scales|SCB|absmax|nested_absmax|quant_map|nested_quant_map|quant_state\..+|weight_packed|weight_scale(_inv)?|weight_zero_point)$/;

/**
 * A checkpoint of a folder's network, under the names of the family's model. Throws {@link UserError} for missing and
 * unknown tensors, and for different shapes.
 */
export async function fitWeights(model: Described, file: Checkpoint): Promise<Checkpoint> {
  const { network } = model;
  const { parameters, ties } = network;
  const { source, remedy } = sourceOf(model);
  const wanted = new Map(parameters.map((p) => [p.name, p]));
  const stored = new Map<string, string>();
  const unknown: string[] = [];
  for (const own of file.tensors.keys()) {
    const name = network.spellings(own).find((one) => wanted.has(one));
    if (name && !stored.has(name)) stored.set(name, own);
    else if (name || !(isBuffer(own) || network.isUnused?.(own))) unknown.push(own);
  }
  const codes = unknown.filter((name) => quantised.test(name));
  if (codes.length)
    throw new UserError(
      `${file.path} contains quantised weights (${listSome(codes, 4)}), which cannot be averaged. Give the folder that they were quantised from.`,
    );
  if (unknown.length) {
    const key = model.stateDict && keyOf(stored, unknown);
    throw new UserError(
      `${file.path} contains tensors that are not part of ${source}: ${listSome(unknown, 4)}. ${key ? `Select the network with ${keyOption(key, file.end)}.` : remedy}`,
    );
  }
  for (const names of ties) await tieNames(file, stored, names);
  const missing = parameters.filter(({ name, kind }) => kind !== "counter" && !stored.has(name)).map((p) => p.name);
  if (missing.length) throw new UserError(`${file.path} lacks ${listSome(missing, 4)} of ${source}. ${remedy}`);
  const there = parameters.filter(({ name }) => stored.has(name));
  const empty = describeEmptyTensors(file, new Set(there.map(({ name }) => stored.get(name)!)));
  if (empty) throw new UserError(empty);
  const unlike = there.filter(
    ({ name, shape }) => String(file.tensors.get(stored.get(name)!)!.shape) !== String(shape),
  );
  if (unlike.length) {
    const [{ name, shape }] = unlike;
    throw new UserError(
      `${file.path}: ${name} has shape [${file.tensors.get(stored.get(name)!)!.shape}], but in ${model.stateDict ? source : `the network of ${join(model.path, "config.json")}`} it has [${shape}]. ${remedy}`,
    );
  }
  const whole = there.find(
    ({ name, kind }) => kind !== "counter" && !isFloating(file.tensors.get(stored.get(name)!)!.dtype),
  );
  if (whole)
    throw new UserError(
      `${file.path}: ${whole.name} is ${file.tensors.get(stored.get(whole.name)!)!.dtype}, so it holds quantised codes, not weights. Give the float model.`,
    );
  return selectTensors(file, new Map(there.map(({ name }) => [name, stored.get(name)!])));
}

/** The prefix that all of a network's names have in its file, and no others do; undefined if there is none. */
function keyOf(stored: ReadonlyMap<string, string>, others: readonly string[]): string | undefined {
  const fronts = new Set(
    [...stored].map(([name, own]) => (own.endsWith(`.${name}`) ? own.slice(0, -name.length) : "")),
  );
  const [front] = fronts;
  return fronts.size === 1 && front && !others.some((own) => own.startsWith(front)) ? front.slice(0, -1) : undefined;
}

/** What determined the network, and what to do if tensors do not fit it. */
function sourceOf({ stateDict, architecture }: Described) {
  return stateDict
    ? { source: `torchvision's ${architecture}`, remedy: "Check which program wrote this file." }
    : { source: "the network in config.json", remedy: "Use the config.json that belongs to these weights." };
}

/**
 * Resolves the names of one tensor. Throws {@link UserError} if the file has copies that differ: libraries disagree on
 * which one counts.
 */
async function tieNames(file: Checkpoint, stored: Map<string, string>, names: readonly string[]): Promise<void> {
  const [own, ...others] = names.flatMap((name) => stored.get(name) ?? []);
  for (const other of others) {
    if (file.tied?.some((one) => one.includes(own) && one.includes(other))) continue;
    if (!haveSameBytes(await file.read(own), await file.read(other)))
      throw new UserError(
        `${file.path}: ${own} and ${other} differ, but config.json ties them. Set tie_word_embeddings to the value that the model was trained with.`,
      );
  }
  if (own) for (const name of names) if (!stored.has(name)) stored.set(name, own);
}
