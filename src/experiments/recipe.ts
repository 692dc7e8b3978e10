// A recipe: what to train and what to measure, as YAML. Every key has the paper's value as default, so a recipe is a short list of differences;
// a key nobody knows is an error that names the nearest known one.
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { describeFileError, isModule, listSome, nearest, sha256, sha256Value, UserError } from "../core/index.ts";
import type { DataOptions } from "../data/index.ts";
import { Timeline } from "../training/index.ts";
import { atScale, type Scale } from "./scales.ts";

const count = z.int().positive();
const seed = z.int().min(0);
const fraction = z.number().min(0).max(1);

const model = z.strictObject({
  name: z.string().default("resnet18-nonorm"),
  width: count.optional(),
  hidden: count.optional(),
  depth: count.optional(),
  blocks: count.optional(),
  heads: count.optional(),
  dim: count.optional(),
  context: count.optional(),
  dropout: fraction.optional(),
});

const data = z.strictObject({
  name: z.string().default("cifar10"),
  /** Training samples: the first so many of the train split. */
  samples: z.union([count, z.literal("all")]).default("all"),
  augment: z.boolean().default(true),
  /** Pixels of an image's side: the official ones, or half of them. */
  size: count.optional(),
  dir: z.string().optional(),
  mean: z.array(z.number()).optional(),
  std: z.array(z.number().positive()).optional(),
});

const pair = z.strictObject({
  init: z.enum(["same", "different"]).default("same"),
  /** With `different`, end b starts from the next seed. */
  init_seed: seed.default(1),
  order_seeds: z.tuple([seed, seed]).default([5, 7]),
});

const aggregate = z.strictObject({ every: count, layers: z.array(z.string()).min(1).default(["**"]) });

/** Clients that start from one initialisation and see their own part of the samples only; the first two are the pair. */
const federatedShape = z.strictObject({
  clients: z.int().min(2).default(2),
  partition: z.enum(["iid", "dirichlet", "shards"]).default("iid"),
  alpha: z.number().positive().optional(),
  shards: count.optional(),
  seed: seed.default(1),
  /** FedAvg: every so many epochs (steps, where those are counted) the clients go on from the average of these layers. Default: never. */
  aggregate: aggregate.optional(),
});

const federated = federatedShape
  .refine(
    ({ partition, alpha }) => alpha === undefined || partition === "dirichlet",
    "alpha is for partition: dirichlet",
  )
  .refine(({ partition, shards }) => shards === undefined || partition === "shards", "shards is for partition: shards");

const trainingShape = z.strictObject({
  /** 200, where no steps are given. */
  epochs: count.optional(),
  /** In place of epochs; a text has none. */
  steps: count.optional(),
  /** With epochs only: keeps the checkpoint of the epoch before each measured one too, for measuring `consecutive` ends. */
  keep_previous: z.boolean().default(false),
  batch: count.default(64),
  optimiser: z.enum(["sgd", "adamw"]).default("sgd"),
  lr: z.number().positive().default(0.05),
  momentum: fraction.default(0.9),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
  weight_decay: z.number().min(0).default(5e-4),
  clip: z.number().positive().optional(),
  schedule: z.enum(["cosine", "constant", "step"]).default("cosine"),
  warmup_steps: z.int().min(0).default(100),
  /** Of the schedule `step`: the rate is multiplied by `factor` every `period` epochs (30), or steps where those are counted. */
  period: count.optional(),
  factor: z.number().positive().default(0.5),
});
const training = trainingShape
  .refine(({ epochs, steps }) => !(epochs && steps), "give epochs or steps, not both")
  .refine(({ steps, keep_previous }) => !(steps && keep_previous), "keep_previous is for epochs, not for steps")
  .refine(
    ({ steps, schedule, period }) => !(steps && schedule === "step" && !period),
    "give the period of schedule: step, which counts steps here",
  )
  .transform(({ period = 30, ...given }) => ({
    ...given,
    period,
    ...(given.steps ? {} : { epochs: given.epochs ?? 200 }),
  }));

const measure = z.strictObject({
  every: count.default(20),
  /** What is averaged: the two networks at one epoch, or one network at two epochs in a row. */
  ends: z.enum(["networks", "consecutive"]).default("networks"),
  scans: z
    .array(z.string())
    .min(1)
    .default(["single", "deep", "shallow"])
    .transform((scans) => scans.flatMap((scan) => scan.split(",").map((one) => one.trim()))),
  splits: z
    .array(z.enum(["train", "test"]))
    .min(1)
    .default(["train", "test"]),
  samples: z.union([count, z.literal("all")]).default("all"),
  base: z.enum(["a", "b", "both"]).default("both"),
  order_seed: seed.default(111),
});

const claimShape = z.strictObject({
  /** In words, what must be seen. */
  says: z.string(),
  metric: z.enum(["loss", "error"]).default("loss"),
  split: z.enum(["train", "test"]).default("train"),
  /** The quantity: see claims.ts. */
  take: z.enum([
    "full",
    "largest single",
    "median single",
    "largest single but the last",
    "single of the last",
    "third of shallow",
    "third of deep",
    "half of minimal",
    "half of random",
    "distance from chance",
  ]),
  below: z.number().optional(),
  above: z.number().optional(),
  /** The limit is that many times the full barrier at the same point. */
  of: z.literal("full").optional(),
  /** At the last measured point, at each after the initialisation, or at one of those at least. */
  at: z.enum(["last", "each", "some"]).default("last"),
});
export const claimSchema = claimShape
  .refine(
    ({ below, above }) => (below === undefined) !== (above === undefined),
    "a claim has one limit: below or above",
  )
  .transform((claim) => (claim.take === "distance from chance" ? { ...claim, metric: "error" as const } : claim));
export type Claim = z.infer<typeof claimSchema>;

/** What a figure of the paper shows. */
const figure = z.strictObject({
  title: z.string(),
  /** What must be seen, in the paper's words and numbers. */
  paper: z.string(),
  /** What is drawn first. */
  metric: z.enum(["loss", "error"]).default("loss"),
  /** At a scale where a claim does not hold: the likely reason, tested. */
  remark: z.string().optional(),
});

export const recipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, "must be letters, digits, dots, dashes")
    .default("pair"),
  model: model.prefault({}),
  data: data.prefault({}),
  pair: pair.prefault({}),
  federated: federated.optional(),
  training: training.prefault({}),
  measure: measure.prefault({}),
  /** What must be seen, checked on the stored results. */
  claims: z.array(claimSchema).default([]),
  figure: figure.optional(),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** Reads a recipe file. Throws {@link UserError} that names the key that is wrong. A `data.dir` is relative to the recipe's folder. Under `scales` a recipe says what a smaller scale changes. */
export async function readRecipe(path: string, scale: Scale = "paper"): Promise<Recipe> {
  const text = await readFile(path, "utf8").catch((error) => {
    throw describeFileError(error, path, "read");
  });
  const document = parseDocument(text);
  if (document.errors.length)
    throw new UserError(`${path} is not valid YAML: ${document.errors[0].message.split("\n")[0]}`);
  const recipe = parseRecipe(atScale(document.toJS() ?? {}, scale, path), path);
  if (recipe.data.dir) recipe.data.dir = resolve(path, "..", recipe.data.dir);
  return recipe;
}

/** Validates a recipe and fills in the defaults; `name` defaults to the file's. */
export function parseRecipe(value: unknown, path: string): Recipe {
  const named =
    value && typeof value === "object" && !("name" in value)
      ? { name: basename(path).replace(/\.ya?ml$/, ""), ...value }
      : value;
  const parsed = recipeSchema.safeParse(named);
  if (parsed.success) return parsed.data;
  throw new UserError(`${path}: ${describe(parsed.error.issues[0])}.`);
}

function describe(issue: z.core.$ZodIssue): string {
  const at = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0];
    const known = knownKeys(issue.path);
    const near = nearest(key, known);
    return `${[...issue.path, key].join(".")} is not a known key; ${near ? `did you mean ${near}?` : "known are"} ${near ? "Known are" : ""} ${listSome(known, 20)}`.replace(
      /\s+/g,
      " ",
    );
  }
  return `${at || "the recipe"}: ${issue.message.replace(/^Invalid input: /, "")}`;
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  const sections = {
    model,
    data,
    pair,
    federated,
    "federated.aggregate": aggregate,
    training: trainingShape,
    measure,
    figure,
  };
  const at = path.filter((key) => typeof key === "string").join(".") as keyof typeof sections | "claims";
  if (path.length === 0) return [...Object.keys(recipeSchema.shape), "scales"]; // which is gone by then
  return Object.keys((at === "claims" ? claimShape : (sections[at] ?? recipeSchema)).shape);
}

/** What decides each network of a recipe, its seeds and its samples' dealing out aside. Where the data lie is not part of it; what a module of the user's own holds is. */
function setUpOf({ model, data, training }: Recipe) {
  const { dir: _, ...samples } = data;
  const { period, factor, keep_previous: __, ...common } = training;
  const fall = training.schedule === "step" ? { period, factor } : {}; // without that schedule they say nothing
  return { model, data: samples, training: { ...common, ...fall }, ...modulesOf([model.name, data.name]) };
}

/**
 * The hash that names a run's folder, 10 hexadecimal digits: of everything that decides the networks and which of their checkpoints are kept.
 * What is measured on them, and the recipe's name, are not part of it.
 */
export function recipeHash(recipe: Recipe): string {
  const { training, ...common } = setUpOf(recipe);
  const { pair, federated, measure } = recipe;
  const kept = recipe.training.keep_previous ? { keep_previous: true } : {};
  const told = { ...common, training: { ...training, ...kept }, pair, federated, every: measure.every };
  return sha256Value(told).slice(0, 10);
}

/** The seeds of a recipe's network, by its number: of its initialisation and of its order of samples. */
export function seedsOf({ pair: { init, init_seed, order_seeds } }: Recipe, number: number) {
  return {
    init: init_seed + (init === "different" ? number : 0),
    order: order_seeds[number] ?? order_seeds[1] + number,
  };
}

/** Equal for networks of two recipes that come out the same. Clients have none: their samples depend on all the others. */
export function networkHash(recipe: Recipe, number: number): string | undefined {
  return recipe.federated ? undefined : sha256Value({ ...setUpOf(recipe), seeds: seedsOf(recipe, number) });
}

/** What the modules among the names hold, so that a change makes other networks. */
function modulesOf(names: readonly string[]): { modules?: string[] } {
  const files = names.filter((name) => isModule(name) && existsSync(name));
  return files.length ? { modules: files.map((file) => sha256(readFileSync(file))) } : {};
}

/** How to open the recipe's training samples. */
export function trainingData({ model: { context }, data: { samples, dir, size, mean, std } }: Recipe): DataOptions {
  return { split: "train", samples: samples === "all" ? undefined : samples, dir, size, mean, std, context };
}

/** The sizes that the recipe gives its network. */
export function modelSizes({ model: { name: _, ...sizes } }: Recipe): Partial<Record<string, number>> {
  return sizes;
}

/** The course of a recipe's training. */
export const timelineOf = ({ training: { epochs, steps, keep_previous }, measure, federated }: Recipe): Timeline =>
  new Timeline({
    epochs,
    steps,
    every: measure.every,
    keepsPrevious: keep_previous,
    round: federated?.aggregate?.every,
  });
