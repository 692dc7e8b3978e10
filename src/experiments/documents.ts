// What the commands on recipes print with --json: the documents `train@1`, `plan@1`, `reproduce@1` and `report@1`.
import { z } from "zod";
import { measurementSchema } from "../connectivity/index.ts";
import { type JsonSchema, jsonSchemaOf } from "../core/index.ts";
import { splits } from "../data/index.ts";

const nameOf = <Name extends string>(name: Name) => z.literal(name).describe("The document's name and version.");
const number = (meaning: string) => z.number().describe(meaning);

const trainSchema = z
  .object({
    schema: nameOf("layerwise/train@1"),
    folder: z.string().describe("The run folder, which contains the checkpoints."),
    networks: z
      .record(
        z.string(),
        z.object({
          network: z.string().describe("Its name: `a` or `b`, or that of a client."),
          epoch: number("The last epoch; the last step if the recipe has `training.steps`."),
          loss: number("Mean training loss of that epoch, in nats."),
          error: number("Training error of that epoch, in percent."),
          rate: number("The learning rate of its last step."),
          seconds: number("How long that epoch took."),
        }),
      )
      .describe("The last line of each network's training log, by its name."),
  })
  .describe("The result of `train`: where the checkpoints are, and how training ended.");

const count = (what: string) =>
  z
    .object({ missing: number("How many are not done yet."), all: number("How many there are.") })
    .describe(`The ${what} of the run.`);

const planSchema = z
  .object({
    schema: nameOf("layerwise/plan@1"),
    runs: z
      .array(
        z.object({
          names: z.array(z.string()).readonly().describe("The experiments that use the run."),
          networks: count("networks"),
          points: count("points"),
          samples: number("Samples to train on: samples per step times the remaining steps."),
          evaluations: number("Remaining evaluations of a network on one sample."),
          bytes: number("Size of the checkpoints that remain to be written."),
          seconds: number("Estimated time on this machine."),
          operations: number("Floating-point operations."),
          time: z
            .object({
              seconds: number("Time of a step: the minimum of several."),
              batch: number("Samples of a step."),
              steps: number("Training steps of one network."),
              operations: number("Floating-point operations of a step."),
              memoryMb: number("Peak memory of the process, in MB."),
              bytes: number("Size of one checkpoint."),
            })
            .optional()
            .describe("A training step, measured. Absent if nothing is missing."),
        }),
      )
      .readonly()
      .describe("Every run folder of the experiments; experiments with the same networks share one."),
  })
  .describe("The result of `reproduce --plan`: what is missing, and what it costs.");

const claims = z
  .array(
    z.object({
      says: z.string().describe("The claim."),
      verdict: z.enum(["holds", "does not hold", "undecided"]).describe("Whether the results support it."),
      numbers: z.string().describe("The numbers that decided: value [95 % interval] against limit."),
    }),
  )
  .readonly();
const folder = z.string().describe("The folder of the results.");
const report = z.string().describe("The page with the report.");
const epoch = number("Epoch of the checkpoints; step if the recipe has `training.steps`.");
const split = z.enum(splits).describe("The split of the samples.");
const document = measurementSchema.describe("The measurement: the document [`measure@1`](measure.md).");

const reproduceSchema = z
  .object({
    schema: nameOf("layerwise/reproduce@1"),
    overview: z.string().optional().describe("The page on all experiments, if there are several."),
    runs: z
      .array(
        z.object({
          name: z.string().describe("The experiment."),
          folder,
          report,
          claims: claims.describe("The recipe's claims with their verdicts."),
          measurements: z
            .array(z.object({ epoch, split, document }))
            .readonly()
            .describe("The measurements in the report; with `--pairs`, means over the pairs."),
        }),
      )
      .readonly()
      .describe("Every experiment, in the order of the command."),
  })
  .describe("The result of `reproduce`: the measurements and claims of each experiment.");

const reportSchema = z
  .object({
    schema: nameOf("layerwise/report@1"),
    runs: z
      .array(
        z.object({
          folder,
          report,
          claims: claims
            .optional()
            .describe("The recipe's claims with their verdicts. Absent for a result of `measure`."),
          measurements: z
            .array(
              z.object({
                epoch: epoch.optional().describe(`${epoch.description} Absent for a result of \`measure\`.`),
                split: split.optional().describe(`${split.description} Absent for a result of \`measure\`.`),
                document,
              }),
            )
            .readonly()
            .describe("The stored measurements that were drawn."),
        }),
      )
      .readonly()
      .describe("Every report that was drawn again."),
  })
  .describe("The result of `report`: the stored measurements that it has drawn.");

export type TrainDocument = z.infer<typeof trainSchema>;
export type PlanDocument = z.infer<typeof planSchema>;
export type ReproduceDocument = z.infer<typeof reproduceSchema>;
export type ReportDocument = z.infer<typeof reportSchema>;

export const trainJsonSchema = (): JsonSchema => jsonSchemaOf(trainSchema, "layerwise/train@1");
export const planJsonSchema = (): JsonSchema => jsonSchemaOf(planSchema, "layerwise/plan@1");
export const reproduceJsonSchema = (): JsonSchema => jsonSchemaOf(reproduceSchema, "layerwise/reproduce@1");
export const reportJsonSchema = (): JsonSchema => jsonSchemaOf(reportSchema, "layerwise/report@1");
