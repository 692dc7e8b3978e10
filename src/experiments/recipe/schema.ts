// The schema of a recipe: what to train and what to measure. Every key has the paper's value as default, so a recipe is
// a short list of differences.
import { z } from "zod";
import { quantities, takes } from "../claims/quantities.ts";

const count = z.int().positive();
const seed = z.int().min(0);
/** `valid` is a split of folders of texts. */
const splits = ["train", "valid", "test"] as const;
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
  /** Tokens of a window of text, where the pair starts from a folder; of a network of ours it is a size. */
  context: count.optional(),
});

const pair = z.strictObject({
  /** `same` or `different` initialisations, or a Hugging Face folder whose network both ends go on from. */
  init: z.string().default("same"),
  /** With `different`, end b starts from the next seed. */
  init_seed: seed.default(1),
  order_seeds: z.tuple([seed, seed]).default([5, 7]),
});

const aggregate = z.strictObject({ every: count, layers: z.array(z.string()).min(1).default(["**"]) });

/**
 * Clients that start from one initialisation and see their own part of the samples only; the first two are the pair.
 */
const federatedShape = z.strictObject({
  clients: z.int().min(2).default(2),
  partition: z.enum(["iid", "dirichlet", "shards"]).default("iid"),
  alpha: z.number().positive().optional(),
  shards: count.optional(),
  seed: seed.default(1),
  /**
   * FedAvg: every so many epochs (steps, where those are counted) the clients go on from the average of these layers.
   * Default: never.
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
  /** 200, where no steps are given. */
  epochs: count.optional(),
  /** In place of epochs; a text has none. */
  steps: count.optional(),
  /**
   * With epochs only: keeps the checkpoint of the epoch before each measured one too, for measuring `consecutive` ends.
   */
  keep_previous: z.boolean().default(false),
  batch: count.default(64),
  optimiser: z.enum(["sgd", "adamw"]).default("sgd"),
  /** One rate, or one for each end. */
  lr: z.union([z.number().positive(), z.tuple([z.number().positive(), z.number().positive()])]).default(0.05),
  momentum: fraction.default(0.9),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
  weight_decay: z.number().min(0).default(5e-4),
  clip: z.number().positive().optional(),
  schedule: z.enum(["cosine", "constant", "step"]).default("cosine"),
  warmup_steps: z.int().min(0).default(100),
  /**
   * Of the schedule `step`: the rate is multiplied by `factor` every `period` epochs (30), or steps where those are
   * counted.
   */
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
  splits: z.array(z.enum(splits)).min(1).default(["train", "test"]),
  samples: z.union([count, z.literal("all")]).default("all"),
  base: z.enum(["a", "b", "both"]).default("both"),
  order_seed: seed.default(111),
});

const claimShape = z.strictObject({
  /** In words, what must be seen. */
  says: z.string(),
  metric: z.enum(["loss", "error"]).default("loss"),
  split: z.enum(splits).default("train"),
  /** The quantity: see claims/quantities.ts. */
  take: z.enum(takes),
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
  .transform((claim) => ({ ...claim, metric: quantities[claim.take].metric ?? claim.metric }));
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

const recipeShape = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, "must be letters, digits, dots, dashes")
    .default("pair"),
  /** Not for a pair that starts from a folder. */
  model: model.optional(),
  data: data.prefault({}),
  pair: pair.prefault({}),
  federated: federated.optional(),
  training: training.prefault({}),
  measure: measure.prefault({}),
  /** What must be seen, checked on the stored results. */
  claims: z.array(claimSchema).default([]),
  figure: figure.optional(),
});

/** Whether a recipe's networks go on from a Hugging Face folder; its network is then called by the folder's path. */
export const startsFromFolder = ({ pair: { init } }: { readonly pair: { readonly init: string } }): boolean =>
  init !== "same" && init !== "different";

export const recipeSchema = recipeShape
  .refine((given) => !given.model || !startsFromFolder(given) || given.model.name === given.pair.init, {
    path: ["model"],
    error: "the network is that of the folder in pair.init. Leave model out",
  })
  .refine((given) => given.data.context === undefined || startsFromFolder(given), {
    path: ["data", "context"],
    error: "is for a pair that starts from a folder (pair.init). Give model.context",
  })
  .refine(({ federated, training: { lr } }) => !(federated && typeof lr !== "number"), {
    path: ["training", "lr"],
    error: "two rates are for the two ends of a pair, not for clients",
  })
  .transform((given) => {
    const { name, model: own = model.parse({}), data, ...rest } = given;
    return startsFromFolder(given)
      ? { name, model: model.parse({ name: given.pair.init }), data: { ...data, augment: false }, ...rest }
      : { name, model: own, data, ...rest };
  });

export type Recipe = z.infer<typeof recipeSchema>;

/** The keys that a section of a recipe may have. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
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
  if (path.length === 0) return [...Object.keys(recipeShape.shape), "scales"]; // which is gone by then
  return Object.keys((at === "claims" ? claimShape : (sections[at] ?? recipeShape)).shape);
}
