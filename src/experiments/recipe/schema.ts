// The schema of a recipe: what to train and what to measure. Every key defaults to the paper's value, so a recipe lists
// only differences.
import { z } from "zod";
import { type JsonSchema, jsonSchemaOf } from "../../core/index.ts";
import { splits } from "../../data/index.ts";
import { quantities, takes } from "../claims/quantities.ts";
import { changing } from "./scales.ts";

const count = z.int().positive();
const seed = z.int().min(0);
const fraction = z.number().min(0).max(1);

const model = z
  .strictObject({
    name: z
      .string()
      .default("resnet18-nonorm")
      .describe("A built-in network (`layerwise models` lists them), or a `.mjs` module with a custom one."),
    width: count.optional().describe("Channels of the first convolution: residual networks and `vgg11`."),
    hidden: count.optional().describe("Units of a hidden layer: `mlp` and `vgg11`."),
    depth: count.optional().describe("Number of layers: `mlp`."),
    blocks: count.optional().describe("Number of blocks: `gpt`."),
    heads: count.optional().describe("Attention heads of a block: `gpt`."),
    dim: count.optional().describe("Width of the residual stream: `gpt`."),
    context: count.optional().describe("Characters in a window of text: `gpt`."),
    dropout: fraction.optional().describe("Dropout probability in training: `vgg11`."),
  })
  .describe(
    "The network and its sizes, each by default the network's own. A `.mjs` network may have any of these sizes. Not for a pair that starts from a folder.",
  );

const data = z
  .strictObject({
    name: z
      .string()
      .default("cifar10")
      .describe(
        "A data set (`layerwise data` lists them), `npz:FILE`, or a `.mjs` module; for a folder its texts or images.",
      ),
    samples: z
      .union([count, z.literal("all")])
      .default("all")
      .describe("Number of training samples, from the start of the train split, or `all`."),
    augment: z.boolean().default(true).describe("Whether training augments images: random crops and flips."),
    size: count.optional().describe("Pixels of an image's side: the official size (default) or half of it."),
    dir: z.string().optional().describe("Folder of the official files, relative to the recipe's folder."),
    mean: z
      .array(z.number())
      .optional()
      .describe("Normalisation: the mean of each channel. Default: the data set's own."),
    std: z
      .array(z.number().positive())
      .optional()
      .describe("Normalisation: the standard deviation of each channel. Default: the data set's own."),
    context: count
      .optional()
      .describe(
        "Tokens in a window of text, for a pair that starts from a folder. Built-in networks take `model.context`.",
      ),
  })
  .describe("The training samples.");

const pair = z
  .strictObject({
    init: z
      .string()
      .default("same")
      .describe(
        "Initialisation: `same` or `different` for the two ends, or a Hugging Face folder that both start from.",
      ),
    init_seed: seed.default(1).describe("Seed of the initialisation. With `different`, end b takes the next seed."),
    order_seeds: z
      .tuple([seed, seed])
      .default([5, 7])
      .describe("Seeds of the order of the training samples: of end a and of end b."),
  })
  .describe("How the two ends differ.");

const aggregate = z
  .strictObject({
    every: count.describe("Length of a round, in epochs, or in steps if training counts steps."),
    layers: z.array(z.string()).min(1).default(["**"]).describe("Globs of the layers that are averaged."),
  })
  .describe(
    "FedAvg: after every round, all clients take the average of these layers, weighted by samples. Default: never.",
  );

const federatedShape = z
  .strictObject({
    clients: z.int().min(2).default(2).describe("Number of clients; the first two are the pair."),
    partition: z
      .enum(["iid", "dirichlet", "shards"])
      .default("iid")
      .describe("How samples are divided: at random, by class in random proportions, or in shards sorted by class."),
    alpha: z
      .number()
      .positive()
      .optional()
      .describe("`dirichlet` only: concentration; small values give clients few classes. Default 0.5."),
    shards: count.optional().describe("`shards` only: number of shards for each client. Default 2."),
    seed: seed.default(1).describe("Seed of the partition."),
    aggregate: aggregate.optional(),
  })
  .describe("Clients with the same initialisation that each train on their own part of the samples.");

const federated = federatedShape
  .refine(
    ({ partition, alpha }) => alpha === undefined || partition === "dirichlet",
    "alpha is for partition: dirichlet",
  )
  .refine(({ partition, shards }) => shards === undefined || partition === "shards", "shards is for partition: shards")
  .describe(federatedShape.description!);

const rate = z.number().positive();
const trainingShape = z
  .strictObject({
    epochs: count.optional().describe("Number of epochs. Default 200, unless `steps` is given."),
    steps: count.optional().describe("Number of steps, in place of epochs. Required for text."),
    keep_previous: z
      .boolean()
      .default(false)
      .describe("Also keep the checkpoint one epoch before each measured one, for `measure.ends: consecutive`."),
    batch: count.default(64).describe("Samples in a batch."),
    optimiser: z.enum(["sgd", "adamw"]).default("sgd").describe("The optimiser, with PyTorch's formulas."),
    lr: z
      .union([rate, z.tuple([rate, rate])])
      .default(0.05)
      .describe("Learning rate after the warm-up: one for both ends, or one for each."),
    momentum: fraction.default(0.9).describe("`sgd` only: momentum."),
    betas: z
      .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
      .default([0.9, 0.999])
      .describe("`adamw` only: decay rates of the two moments."),
    weight_decay: z.number().min(0).default(5e-4).describe("Weight decay."),
    clip: z.number().positive().optional().describe("Largest norm of the whole gradient. Default: no clipping."),
    schedule: z
      .enum(["cosine", "constant", "step"])
      .default("cosine")
      .describe("Learning rate after the warm-up: a cosine down to zero, constant, or PyTorch's StepLR."),
    warmup_steps: z.int().min(0).default(100).describe("Steps of a linear warm-up from 1e-4."),
    period: count
      .optional()
      .describe(
        "`schedule: step` only: epochs (or steps) between two reductions. Default 30; required if `steps` is given.",
      ),
    factor: z.number().positive().default(0.5).describe("`schedule: step` only: factor of each reduction."),
  })
  .describe("How each end is trained.");
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

const measureShape = z
  .strictObject({
    every: count
      .default(20)
      .describe("Epochs (or steps) between two measurements; 0 and the last are always measured."),
    ends: z
      .enum(["networks", "consecutive"])
      .default("networks")
      .describe("What is averaged: the two networks at one epoch, or one network at two consecutive epochs."),
    scans: z
      .array(z.string())
      .min(1)
      .default(["single", "deep", "shallow"])
      .transform((scans) => scans.flatMap((scan) => scan.split(",").map((one) => one.trim())))
      .describe(
        "`single`, `shallow`, `deep`, `random`, `minimal`, `window:K`, or a `.mjs` module with a custom order.",
      ),
    splits: z
      .array(z.enum(splits))
      .min(1)
      .default(["train", "test"])
      .describe("The splits to measure on. `valid` exists for folders only."),
    samples: z
      .union([count, z.literal("all")])
      .default("all")
      .describe("Number of samples of each split, from its start, or `all`."),
    base: z
      .enum(["a", "b", "both"])
      .default("both")
      .describe("The end that the other layers come from; `both` measures each."),
    layer_order_seed: seed.default(111).describe("Seed of the order of layers in the scan `random`."),
    order_seed: seed.optional().describe("The former name of `layer_order_seed`, which is still read."),
  })
  .describe("What is measured, and when.");

const measure = measureShape.transform(({ order_seed: old, layer_order_seed, ...given }) => ({
  ...given,
  layer_order_seed: old ?? layer_order_seed,
}));

const claimShape = z.strictObject({
  says: z.string().describe("The claim in words."),
  metric: z.enum(["loss", "error"]).default("loss").describe("The metric."),
  split: z.enum(splits).default("train").describe("The split."),
  take: z.enum(takes).describe("The quantity; [Extending](../extending.md#a-figure) defines each."),
  below: z
    .number()
    .optional()
    .describe("Upper limit, in nats or points. Exactly one of `below` and `above` is required."),
  above: z.number().optional().describe("Lower limit."),
  of: z
    .literal("full")
    .optional()
    .describe("If given, the limit is a multiple of the barrier of all layers together, at the same point."),
  at: z
    .enum(["last", "each", "some"])
    .default("last")
    .describe("The last measured point, every point after the initialisation, or at least one of those."),
});
export const claimSchema = claimShape
  .refine(
    ({ below, above }) => (below === undefined) !== (above === undefined),
    "a claim needs one limit, below or above",
  )
  .transform((claim) => ({ ...claim, metric: quantities[claim.take].metric ?? claim.metric }));
export type Claim = z.infer<typeof claimSchema>;

const figure = z
  .strictObject({
    title: z.string().describe("The title."),
    paper: z.string().describe("The paper's claims, in its words and numbers."),
    metric: z.enum(["loss", "error"]).default("loss").describe("The metric that is drawn first."),
    remark: z.string().optional().describe("For a scale at which a claim does not hold: the likely reason."),
  })
  .describe("The figure of the paper that this recipe reproduces.");

const recipeShape = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]*$/, "must be letters, digits, dots, dashes")
      .default("pair")
      .describe("The name of the run; by default the file's name."),
    model: model.optional(),
    data: data.prefault({}),
    pair: pair.prefault({}),
    federated: federated.optional(),
    training: training.prefault({}),
    measure: measure.prefault({}),
    claims: z.array(claimSchema).default([]).describe("Claims that are checked on the stored results."),
    figure: figure.optional(),
  })
  .describe("A recipe: what to train and what to measure. A key that is left out takes the paper's value.");

/** The schema of a recipe's file, in which each scale lists its changes (scales.ts). */
const changes = z.union([
  z.string().describe("The name of a shared scale: the file `scales/NAME.yaml` beside the recipe."),
  recipeShape
    .partial()
    .extend({
      federated: federatedShape.extend({ aggregate: aggregate.partial().optional() }).optional(),
      figure: figure.partial().optional(),
      from: z.string().optional().describe("The shared scale that these changes add to."),
    })
    .describe("The keys that differ from the recipe."),
]);
const recipeFile = recipeShape.extend({
  scales: z
    .partialRecord(z.enum(changing), changes)
    .optional()
    .describe(
      "Smaller scales, chosen with `--scale`: for `quick`, `small` or `medium` the keys that differ from the recipe, or NAME for the shared scale `scales/NAME.yaml` beside the recipe. With the key `from: NAME`, the others add to a shared scale.",
    ),
});

/**
 * The JSON Schema (draft 2020-12) of a recipe file: schemas/recipe.json of the package.
 * @example
 * ```ts
 * import { recipeJsonSchema } from "layerwise";
 *
 * console.log(recipeJsonSchema().title); // layerwise recipe
 * ```
 */
export const recipeJsonSchema = (): JsonSchema => jsonSchemaOf(recipeFile, "layerwise recipe");

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

/** A recipe with all defaults filled in. Its keys are described in docs/reference/recipe.md. */
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
