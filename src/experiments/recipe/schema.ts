// The schema of a recipe: what to train and what to measure. Every key defaults to the paper's value, so a recipe lists
// only differences.
import { z } from "zod";
import { splits } from "../../data/index.ts";
import { quantities, takes } from "../claims/quantities.ts";

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
  /** Number of training samples, from the start of the train split. */
  samples: z.union([count, z.literal("all")]).default("all"),
  augment: z.boolean().default(true),
  /** Side of an image in pixels: the official size, or half of it. */
  size: count.optional(),
  dir: z.string().optional(),
  mean: z.array(z.number()).optional(),
  std: z.array(z.number().positive()).optional(),
  /** Tokens of a window of text, for a pair that starts from a folder; otherwise it is model.context. */
  context: count.optional(),
});

const pair = z.strictObject({
  /** `same` or `different` initialisations, or a Hugging Face folder that both ends start from. */
  init: z.string().default("same"),
  /** Seed of end a; with `different`, end b has the next seed. */
  init_seed: seed.default(1),
  /** Seeds of the order of the training samples, for ends a and b. */
  order_seeds: z.tuple([seed, seed]).default([5, 7]),
});

const aggregate = z.strictObject({ every: count, layers: z.array(z.string()).min(1).default(["**"]) });

/** Clients start from one initialisation and train on their own part of the samples. The first two are the pair. */
const federatedShape = z.strictObject({
  clients: z.int().min(2).default(2),
  partition: z.enum(["iid", "dirichlet", "shards"]).default("iid"),
  alpha: z.number().positive().optional(),
  shards: count.optional(),
  seed: seed.default(1),
  /**
   * FedAvg: after every `every` epochs (or steps) the clients continue from the average of these layers. Default:
   * never.
   */
  aggregate: aggregate.optional(),
});

const federated = federatedShape
  .refine(
    ({ partition, alpha }) => alpha === undefined || partition === "dirichlet",
    "alpha is for partition: dirichlet",
  )
  .refine(({ partition, shards }) => shards === undefined || partition === "shards", "shards is for partition: shards");

const trainingShape = z.strictObject({
  /** Default: 200, unless steps are given. */
  epochs: count.optional(),
  /** Instead of epochs, which a text does not have. */
  steps: count.optional(),
  /** With epochs only: also keeps the checkpoint before each measured epoch, for `consecutive` ends. */
  keep_previous: z.boolean().default(false),
  batch: count.default(64),
  optimiser: z.enum(["sgd", "adamw"]).default("sgd"),
  /** One learning rate, or one for each end. */
  lr: z.union([z.number().positive(), z.tuple([z.number().positive(), z.number().positive()])]).default(0.05),
  momentum: fraction.default(0.9),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
  weight_decay: z.number().min(0).default(5e-4),
  clip: z.number().positive().optional(),
  schedule: z.enum(["cosine", "constant", "step"]).default("cosine"),
  warmup_steps: z.int().min(0).default(100),
  /** For `schedule: step`: the learning rate is multiplied by `factor` every `period` epochs (default 30) or steps. */
  period: count.optional(),
  factor: z.number().positive().default(0.5),
});
const training = trainingShape
  .refine(({ epochs, steps }) => !(epochs && steps), "give epochs or steps, not both")
  .refine(({ steps, keep_previous }) => !(steps && keep_previous), "keep_previous is for epochs, not for steps")
  .refine(
    ({ steps, schedule, period }) => !(steps && schedule === "step" && !period),
    "schedule: step needs a period (in steps)",
  )
  .transform(({ period = 30, ...given }) => ({
    ...given,
    period,
    ...(given.steps ? {} : { epochs: given.epochs ?? 200 }),
  }));

const measureShape = z.strictObject({
  every: count.default(20),
  /** What is averaged: the two networks at one epoch, or one network at two consecutive epochs. */
  ends: z.enum(["networks", "consecutive"]).default("networks"),
  scans: z
    .array(z.string())
    .min(1)
    .default(["single", "deep", "shallow"])
    .transform((scans) => scans.flatMap((scan) => scan.split(",").map((one) => one.trim()))),
  splits: z.array(z.enum(splits)).min(1).default(["train", "test"]),
  samples: z.union([count, z.literal("all")]).default("all"),
  base: z.enum(["a", "b", "both"]).default("both"),
  /** Seed of the order of layers in the scan `random`. */
  layer_order_seed: seed.default(111),
  /** The name of `layer_order_seed` in layerwise 0.4 and earlier. */
  order_seed: seed.optional(),
});

const measure = measureShape.transform(({ order_seed: old, layer_order_seed, ...given }) => ({
  ...given,
  layer_order_seed: old ?? layer_order_seed,
}));

const claimShape = z.strictObject({
  /** The claim in words. */
  says: z.string(),
  metric: z.enum(["loss", "error"]).default("loss"),
  split: z.enum(splits).default("train"),
  /** The quantity; see claims/quantities.ts. */
  take: z.enum(takes),
  below: z.number().optional(),
  above: z.number().optional(),
  /** Makes the limit relative: a multiple of the full barrier at the same point. */
  of: z.literal("full").optional(),
  /** At the last point, at each point after the initialisation, or at one of them or more. */
  at: z.enum(["last", "each", "some"]).default("last"),
});
export const claimSchema = claimShape
  .refine(
    ({ below, above }) => (below === undefined) !== (above === undefined),
    "a claim needs one limit, below or above",
  )
  .transform((claim) => ({ ...claim, metric: quantities[claim.take].metric ?? claim.metric }));
export type Claim = z.infer<typeof claimSchema>;

/** A figure of the paper. */
const figure = z.strictObject({
  title: z.string(),
  /** What the paper reports, in its words and numbers. */
  paper: z.string(),
  /** The metric that is drawn first. */
  metric: z.enum(["loss", "error"]).default("loss"),
  /** Comment on the results; at a scale where a claim does not hold, the tested reason. */
  remark: z.string().optional(),
});

const recipeShape = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, "must be letters, digits, dots, dashes")
    .default("pair"),
  /** Omitted for a pair that starts from a folder. */
  model: model.optional(),
  data: data.prefault({}),
  pair: pair.prefault({}),
  federated: federated.optional(),
  training: training.prefault({}),
  measure: measure.prefault({}),
  /** Checked against the stored results. */
  claims: z.array(claimSchema).default([]),
  figure: figure.optional(),
});

/** Whether a recipe's networks start from a Hugging Face folder; model.name is then the folder's path. */
export const startsFromFolder = ({ pair: { init } }: { readonly pair: { readonly init: string } }): boolean =>
  init !== "same" && init !== "different";

export const recipeSchema = recipeShape
  .refine((given) => !given.model || !startsFromFolder(given) || given.model.name === given.pair.init, {
    path: ["model"],
    error: "the folder in pair.init sets the network. Leave model out",
  })
  .refine((given) => given.data.context === undefined || startsFromFolder(given), {
    path: ["data", "context"],
    error: "is only for a pair that starts from a folder (pair.init). Use model.context",
  })
  .refine(({ federated, training: { lr } }) => !(federated && typeof lr !== "number"), {
    path: ["training", "lr"],
    error: "clients share one learning rate. Give a number",
  })
  .transform((given) => {
    const { name, model: own = model.parse({}), data, ...rest } = given;
    return startsFromFolder(given)
      ? { name, model: model.parse({ name: given.pair.init }), data: { ...data, augment: false }, ...rest }
      : { name, model: own, data, ...rest };
  });

export type Recipe = z.infer<typeof recipeSchema>;

/** The valid keys of a section of a recipe. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  const sections = {
    model,
    data,
    pair,
    federated,
    "federated.aggregate": aggregate,
    training: trainingShape,
    measure: measureShape.omit({ order_seed: true }),
    figure,
  };
  const at = path.filter((key) => typeof key === "string").join(".") as keyof typeof sections | "claims";
  if (path.length === 0) return [...Object.keys(recipeShape.shape), "scales"]; // scales are applied before validation
  return Object.keys((at === "claims" ? claimShape : (sections[at] ?? recipeShape)).shape);
}
