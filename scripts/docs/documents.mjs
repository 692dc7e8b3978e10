// The documents that other programs read: their schemas, and the first paragraphs of their pages.
import { planJsonSchema, reportJsonSchema, reproduceJsonSchema, trainJsonSchema } from "../../src/experiments/index.ts";
import {
  comparisonJsonSchema,
  measurementJsonSchema,
  mergeRecordJsonSchema,
  recipeJsonSchema,
  samplesJsonSchema,
} from "../../src/index.ts";
import { jobJsonSchema, jobsJsonSchema } from "../../src/jobs/index.ts";
import { schemaPage } from "./schema-page.mjs";

const grows =
  "A later version may add fields; it does not change or remove one. Ignore fields that you do not know. Fields marked optional may be absent, also in older documents.";

const documents = [
  {
    page: "measure",
    schema: "measure@1",
    title: "The result of a measurement: `layerwise/measure@1`",
    make: measurementJsonSchema,
    intro: [
      "`measure` writes this document as `measure.json` and prints it with `--json`. In the library, `measure` returns it; `readMeasurement` and `parseMeasurement` read it. [Definitions](../definitions.md) explains barrier, base and scan.",
      grows,
    ],
  },
  {
    page: "recipe",
    schema: "recipe",
    title: "The recipe",
    make: recipeJsonSchema,
    closed: ["scales.*"], // again the fields of the recipe
    intro: [
      "A recipe is a YAML file: `layerwise reproduce FILE` runs it, and `readRecipe` reads it in the library. [Custom experiment](../your-own-experiment.md) starts from an empty file.",
      "Every key has a default, so a recipe lists only what differs. An unknown key is an error. Some keys exclude each other, such as `training.epochs` and `training.steps`; the meaning says so, and reading the recipe checks it.",
      "An editor with a YAML language server completes keys with this first line: `# yaml-language-server: $schema=node_modules/layerwise/schemas/recipe.json`.",
    ],
  },
  {
    page: "samples",
    schema: "samples",
    title: "The samples file",
    make: samplesJsonSchema,
    intro: [
      "`measure` writes `samples.safetensors` next to `measure.json`: the loss and error of every sample for every mix, so that other statistics can be computed without measuring again. It is a safetensors file. This page describes its header, the JSON text at its start, as `safetensors` and other readers return it.",
      "The ends are the rows whose mix has `a` for every layer, or `b`. The barrier of sample `i` for row `r` and alpha is `loss[r, i] - ((1 - alpha) * loss[row_a, i] + alpha * loss[row_b, i])`.",
    ],
  },
  {
    page: "merge",
    schema: "merge@1",
    title: "The record of a merge: `layerwise/merge@1`",
    make: mergeRecordJsonSchema,
    intro: [
      "`merge` writes this document as `FILE.merge.json`, or as `merge.json` into a folder, and prints it with `--json`. In the library, `merge` returns it.",
      grows,
    ],
  },
  {
    page: "distance",
    schema: "distance@1",
    title: "The distances of two checkpoints: `layerwise/distance@1`",
    make: comparisonJsonSchema,
    intro: [
      "`distance --json` prints this document. In the library, `compareFiles` and `compareFolders` return it.",
      grows,
    ],
  },
  ...[
    ["train", "A training: `layerwise/train@1`", trainJsonSchema, "`train --json`"],
    ["plan", "A plan: `layerwise/plan@1`", planJsonSchema, "`reproduce --plan --json`"],
    ["reproduce", "Reproduced experiments: `layerwise/reproduce@1`", reproduceJsonSchema, "`reproduce --json`"],
    ["report", "Redrawn reports: `layerwise/report@1`", reportJsonSchema, "`report --json`"],
    ["jobs", "The jobs on a cluster: `layerwise/jobs@2`", jobsJsonSchema, "`jobs --json`"],
    ["job", "A job on a cluster: `layerwise/job@2`", jobJsonSchema, "`jobs show ID --json`"],
  ].map(([page, title, make, command]) => ({
    page,
    schema: make().title.replace("layerwise/", ""),
    title,
    make,
    closed: ["runs[].measurements[].document"], // has its own page
    intro: [`${command} prints this document.`, grows],
  })),
];

/** The files of the documents, by their paths in the project: a JSON Schema and a page each. */
export function documentFiles() {
  return new Map(
    documents.flatMap(({ page, schema, make, intro, ...rest }) => {
      const made = make();
      const about = `JSON Schema: [schemas/${schema}.json](../../schemas/${schema}.json), in the package \`layerwise/schemas/${schema}.json\`.`;
      return [
        [`schemas/${schema}.json`, `${JSON.stringify(made, null, 2)}\n`],
        [`docs/reference/${page}.md`, schemaPage({ ...rest, intro: [...intro, about], schema: made })],
      ];
    }),
  );
}
