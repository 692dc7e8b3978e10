// What `layerwise jobs --json` prints: the documents `layerwise/jobs@2` and `layerwise/job@2`.
import { z } from "zod";
import { type JsonSchema, jsonSchemaOf } from "../core/index.ts";

const unit = z.object({
  key: z.string().describe("The unit's name: what it trains or measures."),
  state: z
    .enum(["done", "running", "waiting", "failed", "not started"])
    .describe("Done when its result file exists, whatever the queue says; waiting and running as the queue says."),
  said: z.string().optional().describe("The last line of its output, unless it is done."),
  log: z.string().optional().describe("The file with its output, unless it is done."),
});
const id = z.string().describe("The job's id, which `jobs show`, `attach` and `cancel` take.");
const units = z.array(unit).readonly().describe("All units of the job.");

const jobsSchema = z
  .object({
    schema: z.literal("layerwise/jobs@2").describe("The document's name and version."),
    jobs: z
      .array(
        z.object({
          id,
          command: z.array(z.string()).readonly().describe("The arguments of the command that submitted it."),
          started: z.string().describe("Time of the first submission, in ISO 8601."),
          units,
        }),
      )
      .readonly()
      .describe("The jobs in the runs folder, the latest first."),
  })
  .describe("The jobs on a cluster, with the state of each unit.");

const jobSchema = z
  .object({ schema: z.literal("layerwise/job@2").describe("The document's name and version."), id, units })
  .describe("One job on a cluster, with the state of each unit.");

/** The state of a unit of a job. */
export type UnitState = Readonly<z.infer<typeof unit>>;
export type JobsDocument = z.infer<typeof jobsSchema>;
export type JobDocument = z.infer<typeof jobSchema>;

export const jobsJsonSchema = (): JsonSchema => jsonSchemaOf(jobsSchema, "layerwise/jobs@2");
export const jobJsonSchema = (): JsonSchema => jsonSchemaOf(jobSchema, "layerwise/job@2");
