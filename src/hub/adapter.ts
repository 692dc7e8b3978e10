// LoRA adapters of peft. A folder with adapter_config.json can be an end: its base with W + s B A in place of W, where
// s is lora_alpha / r, or lora_alpha / sqrt(r) (rsLoRA). These full matrices are averaged, not the factors A and B,
// whose average would be a different network.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  adapterFiles,
  type Checkpoint,
  describeEmptyTensors,
  openCheckpoint,
  type TensorInfo,
} from "../checkpoints/index.ts";
import { listSome, type Tensor, tensor, toNumbers, UserError } from "../core/index.ts";
import { findModel } from "./cache.ts";
import { Config } from "./config.ts";
import { readJson } from "./json.ts";

export interface Adapter {
  /** The folder of the adapter. */
  readonly folder: string;
  readonly config: Config;
  /** The base model, as a path or a name in the cache. */
  readonly base: string;
}

export const adapterSettings = "adapter_config.json";

/** Unsupported settings that change how the factors are applied, and their values when off. */
const unhandled = {
  use_dora: false,
  use_qalora: false,
  use_bdlora: false,
  lora_bias: false,
  bias: "none",
} as const;
/** Ways to draw the factors that leave the base as it is. PiSSA, OLoRA, CorDA and LoftQ change it while loading. */
const initialisations = [true, false, "gaussian", "eva", "orthogonal"];
const absent = ["target_parameters", "layer_replication", "alora_invocation_tokens", "trainable_token_indices"];

const mergeFirst =
  "In Python, merge the adapter into its base (merge_and_unload in PEFT), save the result with save_pretrained, and give that folder.";

export const isAdapter = (folder: string): boolean => existsSync(join(folder, adapterSettings));

/** The folder of an adapter's base: relative to the adapter, else in the cache. */
export function baseOf(folder: string, name: string): string {
  const local = resolve(folder, name);
  return existsSync(local) ? local : findModel(name);
}

/**
 * Reads an adapter's settings. Throws {@link UserError} for adapters other than LoRA, and for unsupported variants of
 * it.
 */
export async function readAdapter(folder: string): Promise<Adapter> {
  const path = join(folder, adapterSettings);
  const config = new Config(path, await readJson(path), "", mergeFirst);
  config.only("peft_type", "LORA");
  for (const [key, off] of Object.entries(unhandled)) config.only(key, off);
  config.only("init_lora_weights", ...initialisations);
  for (const key of absent) config.only(key);
  requireNoVariant(config);
  const name = config.text("base_model_name_or_path");
  const base = baseOf(folder, name);
  if (!existsSync(base))
    throw new UserError(
      `${config.path}: the base model ${name} is neither a folder nor in the Hugging Face cache. Set base_model_name_or_path to its path.`,
    );
  return { folder, config, base };
}

/** Throws {@link UserError} for the settings of a variant of LoRA, such as corda_config. EVA only starts elsewhere. */
function requireNoVariant(config: Config): void {
  const variants = Object.entries(config.keys).filter(([key]) => key.endsWith("_config") && key !== "eva_config");
  for (const [key, value] of variants)
    if (typeof value === "object" && value !== null && Object.keys(value).length > 0)
      throw config.unsupported(key, "has settings, which layerwise does not evaluate");
}

/** A matrix of the base, and the factors that change it. */
interface Factors {
  readonly a: string;
  readonly b: string;
  readonly scale: number;
}

/**
 * The base's weights with an adapter applied. `isTransposed`: the base's matrices are [in, out].
 * @throws {UserError} for tensors of the adapter that match nothing in the base
 */
export async function applyAdapter(base: Checkpoint, adapter: Adapter, isTransposed: boolean): Promise<Checkpoint> {
  const file = await openCheckpoint(fileOf(adapter));
  const factors = new Map<string, Factors>();
  const whole = new Map<string, string>();
  const unmatched: string[] = [];
  const halves: string[] = [];
  for (const own of file.tensors.keys()) {
    const name = own.replace(/^base_model\.model\./, "");
    const [, module, factor] = /^(.*)\.lora_([AB])(?:\.default)?\.weight$/.exec(name) ?? [];
    const saved = name.replace(/\.modules_to_save(\.default)?/, "");
    if (module !== undefined && base.tensors.has(`${module}.weight`)) {
      if (!file.tensors.has(own.replace(`.lora_${factor}`, factor === "A" ? ".lora_B" : ".lora_A"))) halves.push(own);
      else if (factor === "A") factors.set(`${module}.weight`, factorsOf(file, own, module, adapter));
    } else if (base.tensors.has(saved)) whole.set(saved, own);
    else unmatched.push(own);
  }
  const others = unmatched.filter((own) => isOfModule(own.replace(/^base_model\.model\./, ""), base));
  const fault = others.length
    ? `${file.path} contains ${listSome(others, 4)}, which are not factors of a linear layer. layerwise does not evaluate them. ${mergeFirst}`
    : unmatched.length
      ? `${file.path} contains ${listSome(unmatched, 4)}, which match nothing in its base ${adapter.base}. Give the base that it was trained on.`
      : (describeEmptyTensors(file, file.tensors.keys()) ??
        faultOfFactors(file, adapter, factors.size, halves) ??
        faultOfShapes(base, file, factors, whole, isTransposed));
  if (fault) {
    await file.close();
    throw new UserError(fault);
  }
  const changed = (name: string): TensorInfo => ({ ...base.tensors.get(name)!, dtype: "float32" });
  return {
    ...base,
    path: adapter.folder,
    files: [adapter.config.path, ...file.files, ...base.files],
    tensors: new Map([...base.tensors].map(([name, info]) => [name, factors.has(name) ? changed(name) : info])),
    async read(name) {
      const [own, saved] = [factors.get(name), whole.get(name)];
      if (saved !== undefined) return file.read(saved);
      if (!own) return base.read(name);
      const parts = await Promise.all([base.read(name), file.read(own.a), file.read(own.b)]);
      return addProduct(...parts, own.scale, isTransposed);
    },
    range: (name) => (factors.has(name) || whole.has(name) ? undefined : base.range?.(name)),
    computed: new Set([...factors.keys(), ...whole.keys()]),
    rewrite: undefined,
    close: async () => {
      await file.close();
      await base.close();
    },
  };
}

function fileOf({ folder }: Adapter): string {
  const found = adapterFiles.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (found) return found;
  throw new UserError(`${folder} has no weights. Give a folder with ${adapterFiles.join(" or ")}.`);
}

function factorsOf(file: Checkpoint, a: string, module: string, { config }: Adapter): Factors {
  const [rank] = file.tensors.get(a)!.shape;
  const alpha = patternOf(config, "alpha_pattern", module) ?? config.number("lora_alpha", 8);
  const scale = alpha / (config.flag("use_rslora", false) ? Math.sqrt(rank) : rank);
  return { a, b: a.replace(".lora_A", ".lora_B"), scale };
}

/** Whether a tensor of an adapter belongs to a module of its base. */
function isOfModule(name: string, base: Checkpoint): boolean {
  const parts = name.split(".");
  return parts.some((_, i) => i > 0 && base.tensors.has(`${parts.slice(0, i).join(".")}.weight`));
}

/** The value of a pattern for a module: keys match the end of the module's name. */
function patternOf(config: Config, key: string, module: string): number | undefined {
  const patterns = config.part(key);
  const match = Object.keys(patterns?.keys ?? {}).find((end) => new RegExp(`^(.*\\.)?(${end})$`).test(module));
  return match === undefined ? undefined : patterns!.number(match);
}

/** The fault of an adapter that changes nothing, or has only one factor of a matrix. */
function faultOfFactors(
  { path }: Checkpoint,
  { config }: Adapter,
  factors: number,
  halves: readonly string[],
): string | undefined {
  const again = "Save the adapter again, with model.save_pretrained of its PEFT model";
  if (halves.length)
    return `${path} contains ${listSome(halves, 3)} without the other factor of the same matrix. ${again}.`;
  const targets = config.keys.target_modules;
  const hasNone = Array.isArray(targets) && targets.length === 0;
  if (factors === 0 && !hasNone)
    return `${path} contains no factors (lora_A and lora_B), so it would not change its base. ${again}.`;
  return undefined;
}

function faultOfShapes(
  base: Checkpoint,
  file: Checkpoint,
  factors: ReadonlyMap<string, Factors>,
  whole: ReadonlyMap<string, string>,
  isTransposed: boolean,
): string | undefined {
  const shapeOf = (name: string) => file.tensors.get(name)?.shape ?? [];
  for (const [name, { a, b }] of factors) {
    const shape = [shapeOf(b)[0], shapeOf(a)[1]];
    const wanted = base.tensors.get(name)!.shape;
    if (String(isTransposed ? shape.reverse() : shape) !== String(wanted) || shapeOf(a)[0] !== shapeOf(b)[1])
      return `${file.path}: the product of ${b} and ${a} does not fit ${name}, which is [${wanted}] in the base. Give the base that the adapter was trained on.`;
  }
  for (const [name, own] of whole)
    if (String(shapeOf(own)) !== String(base.tensors.get(name)!.shape))
      return `${file.path}: ${own} is [${shapeOf(own)}], but the base has [${base.tensors.get(name)!.shape}]. Give the base that the adapter was trained on.`;
  return undefined;
}

/** W + scale B A in float32; W is [out, in], or [in, out] if transposed; A is [r, in], B is [out, r]. */
function addProduct(w: Tensor, a: Tensor, b: Tensor, scale: number, isTransposed: boolean): Tensor {
  const [x, y] = [toNumbers(a), toNumbers(b)];
  const [rank, inner] = a.shape;
  const [out] = b.shape;
  const old = toNumbers(w);
  const result = tensor("float32", [...w.shape]);
  const row = new Float64Array(inner);
  for (let i = 0; i < out; i++) {
    row.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = y[i * rank + k];
      for (let j = 0; j < inner; j++) row[j] += factor * x[k * inner + j];
    }
    for (let j = 0; j < inner; j++) {
      const at = isTransposed ? j * out + i : i * inner + j;
      result.data[at] = old[at] + Math.fround(scale * Math.fround(row[j]));
    }
  }
  return result;
}
