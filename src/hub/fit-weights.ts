// The tensors of a file under the names of a network: the files' names may be those of older libraries. What does not fit is refused, even where
// transformers would go on with random weights.
import { join } from "node:path";
import { type Checkpoint, describeEmptyTensors, selectTensors } from "../checkpoints/index.ts";
import { haveSameBytes, isFloating, listSome, UserError } from "../core/index.ts";
import type { FolderNetwork } from "./network.ts";

/** A network, and what it follows from: the config.json of the folder `path`, or the tensors of a file alone. */
interface Described {
  readonly path: string;
  readonly architecture: string;
  readonly network: FolderNetwork;
  readonly stateDict?: string;
}

/** Tensors that older libraries wrote beside the weights: causal masks, positions, rotary frequencies. */
const isBuffer = (name: string) =>
  /(^|\.)rotary_emb\.inv_freq$/.test(name) ||
  /(^|\.)position_ids$/.test(name) ||
  /\.attention\.(masked_)?bias$/.test(name) ||
  /\.attn\.(masked_)?bias$/.test(name);

/** What quantised weights have beside them: GPTQ's and AWQ's, MLX's, bitsandbytes', compressed-tensors' and eight-bit floats'. */
const ofQuantised =
  /\.(qweight|qzeros|g_idx|scales|SCB|absmax|nested_absmax|quant_map|nested_quant_map|quant_state\..+|weight_packed|weight_scale(_inv)?|weight_zero_point)$/;

/** A checkpoint of a folder's network, under the names that the family's model has. Throws {@link UserError} for tensors that are missing, strange, or of another shape. */
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
  const codes = unknown.filter((name) => ofQuantised.test(name));
  if (codes.length)
    throw new UserError(
      `${file.path} holds ${listSome(codes, 4)}, of quantised weights, which have no average. Give the folder that they were quantised from.`,
    );
  if (unknown.length) {
    const key = model.stateDict && keyOf(stored, unknown);
    throw new UserError(
      `${file.path} holds tensors that ${source} does not provide for: ${listSome(unknown, 4)}. ${key ? `Take the network alone with --key ${key}.` : remedy}`,
    );
  }
  for (const names of ties) await tieNames(file, stored, names);
  const missing = parameters.filter(({ name, kind }) => kind !== "counter" && !stored.has(name)).map((p) => p.name);
  if (missing.length)
    throw new UserError(`${file.path} lacks ${listSome(missing, 4)}, which ${source} provides for. ${remedy}`);
  const there = parameters.filter(({ name }) => stored.has(name));
  const empty = describeEmptyTensors(file, new Set(there.map(({ name }) => stored.get(name)!)));
  if (empty) throw new UserError(empty);
  const unlike = there.filter(
    ({ name, shape }) => String(file.tensors.get(stored.get(name)!)!.shape) !== String(shape),
  );
  if (unlike.length) {
    const [{ name, shape }] = unlike;
    throw new UserError(
      `${file.path} holds ${name} as [${file.tensors.get(stored.get(name)!)!.shape}], but by ${model.stateDict ? source : join(model.path, "config.json")} it is [${shape}]. ${remedy}`,
    );
  }
  const whole = there.find(
    ({ name, kind }) => kind !== "counter" && !isFloating(file.tensors.get(stored.get(name)!)!.dtype),
  );
  if (whole)
    throw new UserError(
      `${file.path} holds ${whole.name} in ${file.tensors.get(stored.get(whole.name)!)!.dtype}, which are codes and not weights. Give the float model.`,
    );
  return selectTensors(file, new Map(there.map(({ name }) => [name, stored.get(name)!])));
}

/** What is in front of all of a network's names in its file, and of none of the others; undefined where there is nothing. */
function keyOf(stored: ReadonlyMap<string, string>, others: readonly string[]): string | undefined {
  const fronts = new Set(
    [...stored].map(([name, own]) => (own.endsWith(`.${name}`) ? own.slice(0, -name.length) : "")),
  );
  const [front] = fronts;
  return fronts.size === 1 && front && !others.some((own) => own.startsWith(front)) ? front.slice(0, -1) : undefined;
}

/** What the network follows from, and what to do where tensors do not fit it. */
function sourceOf({ stateDict, architecture }: Described) {
  return stateDict
    ? { source: `torchvision's ${architecture}`, remedy: "Check what made this file." }
    : { source: "config.json", remedy: "Give the config.json that belongs to these weights." };
}

/** Names of one tensor. Throws {@link UserError} where the file has several that differ: libraries do not agree on what that means. */
async function tieNames(file: Checkpoint, stored: Map<string, string>, names: readonly string[]): Promise<void> {
  const [own, ...others] = names.flatMap((name) => stored.get(name) ?? []);
  for (const other of others) {
    if (file.tied?.some((one) => one.includes(own) && one.includes(other))) continue;
    if (!haveSameBytes(await file.read(own), await file.read(other)))
      throw new UserError(
        `${file.path} holds both ${own} and ${other}, which differ though config.json ties them. Set tie_word_embeddings to what the model was trained with.`,
      );
  }
  if (own) for (const name of names) if (!stored.has(name)) stored.set(name, own);
}
