// The documents that other programs read: what is written fits the JSON Schemas in the package, every field of it is
// described there, and the generated pages and schemas are up to date.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { projectRoot, randomStream, type Tensor } from "../src/core/index.ts";
import {
  compareFiles,
  compareFolders,
  encodeMeasurement,
  type MeasureOptions,
  measure,
  merge,
  parseMeasurement,
  renderMeasurement,
  saveMeasurement,
} from "../src/index.ts";
import { jobPath, writeJob } from "../src/jobs/index.ts";
import { buildModel, initialise } from "../src/models/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { twoFolders } from "./model-folder.ts";

const at = (name: string) => join(folder, name);
const folder = temporaryFolder();
const model = buildModel("mlp", { inputs: 4, hidden: 8, depth: 3, classes: 3 });
const base = (): MeasureOptions => ({
  a: at("a.safetensors"),
  b: at("b.safetensors"),
  model: { name: "mlp" },
  data: { name: `npz:${at("data.npz")}` },
  scans: ["single", "full"],
});

beforeAll(async () => {
  await writeTensors(at("a.safetensors"), "safetensors", initialise(model, 1));
  await writeTensors(at("b.safetensors"), "safetensors", initialise(model, 2));
  const random = randomStream(1, "samples");
  const samples = new Map<string, Tensor>([
    ["x", { dtype: "float32", shape: [60, 4], data: Float32Array.from({ length: 240 }, () => random.normal()) }],
    ["labels", { dtype: "int32", shape: [60], data: Int32Array.from({ length: 60 }, (_, i) => i % 3) }],
  ]);
  await writeTensors(at("data.npz"), "npz", samples);
});

const readSchema = (name: string) => JSON.parse(readFileSync(join(projectRoot, "schemas", `${name}.json`), "utf8"));

/** The schema without room for fields that it does not describe. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return "properties" in inner ? { additionalProperties: false, ...inner } : inner;
}

const ajv = new Ajv2020({ allErrors: true });
function expectToFit(name: string, document: unknown) {
  const validate = ajv.compile(closed(readSchema(name)) as object);
  validate(JSON.parse(JSON.stringify(document)));
  expect(faultsOf(validate), name).toEqual([]);
}
const faultsOf = ({ errors }: ValidateFunction) =>
  (errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);

it("what npm run docs writes is up to date", () => {
  const { status, stderr } = spawnSync(process.execPath, ["--import", "tsx", "scripts/docs.mjs", "--check"], {
    cwd: projectRoot,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
});

it("a document of version 0.4, with `weights` for `layer_alphas`, is still read", async () => {
  const layerAlphas = { "layers.0": 0.25, "layers.1": 0.5, "layers.2": 1 };
  const { document } = await measure({ ...base(), layerAlphas, metrics: ["loss"] });
  const { layer_alphas: weights, ...rest } = encodeMeasurement(document);
  expect(weights).toEqual(layerAlphas);
  expect(parseMeasurement({ ...rest, weights }, "old.json")).toEqual(document);
});

it("measurements with every optional field fit the schema of measure@1", async () => {
  const starts = ["a", "b"].map((end) => at(`${end}.safetensors`)) as [string, string];
  const several = await measure({ ...base(), alphas: [0.25, 0.5], randomDraws: 2, initial: starts });
  const weighted = await measure({
    ...base(),
    layerAlphas: { "layers.0": 0.25, "layers.1": 0.5, "layers.2": 1 },
    precision: 1,
    metrics: ["loss"],
    remarks: ["A remark."],
  });
  const { a, b } = await twoFolders(temporaryFolder());
  const text = { name: join(projectRoot, "embedded/shakespeare"), split: "test", samples: 2, context: 8 } as const;
  const language = await measure({ a, b, model: {}, data: text, scans: ["full"] });
  const documents = [several, weighted, language].map(({ document }) => encodeMeasurement(document));
  for (const document of documents) expectToFit("measure@1", document);

  // each optional field occurs in one of them
  const there = JSON.stringify(documents);
  for (const field of [
    "perplexity",
    "samples",
    "baseline",
    "layer_alphas",
    "lines",
    "shares",
    "from_init",
    "notes",
    "task",
  ])
    expect(there).toContain(`"${field}":`);
});

it("a document that breaks a type, or lacks a field, does not fit; one with a new field does", async () => {
  const document = encodeMeasurement((await measure(base())).document);
  const validate = ajv.compile(readSchema("measure@1"));
  expect(validate({ ...document, new_field: 1 })).toBe(true);
  expect(validate({ ...document, cells: [{ ...document.cells[0], alpha: "0.5" }] })).toBe(false);
  const { verdict: _, ...without } = document;
  expect(validate(without)).toBe(false);
});

it("a document of an older version, without the optional fields, is read", async () => {
  const { document } = await measure(base());
  const { metrics: _, shares: __, notes: ___, ...older } = encodeMeasurement(document);
  const { undecided: ____, tolerance: _____, alpha: ______, ...verdict } = older.verdict;
  const stored = JSON.parse(JSON.stringify({ ...older, verdict }));
  expect(ajv.compile(readSchema("measure@1"))(stored)).toBe(true);
  expect(parseMeasurement(stored, "measure.json").cells).toEqual(document.cells);
});

it("the header of a samples file fits its schema", async () => {
  const { document, scores } = await measure({ ...base(), randomDraws: 1 });
  await saveMeasurement(document, scores, renderMeasurement(document), at("result"));
  const bytes = readFileSync(at("result/samples.safetensors"));
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString("utf8"));
  expectToFit("samples", header);
  const mixes = JSON.parse(header.__metadata__.mixes) as string[];
  expect(header.loss.shape).toEqual([mixes.length, 60]);
  expect(mixes).toEqual(expect.arrayContaining(["a a a", "b b b", "m0.5 a a", "ra0.5#0 a a"]));
  expect(ajv.compile(readSchema("samples"))({ ...header, loss: { ...header.loss, dtype: "F64" } })).toBe(false);
});

it("records of merges fit the schema of merge@1", async () => {
  const { a, b } = base();
  const options = { a, b, measure: base() };
  expectToFit(
    "merge@1",
    await merge({ ...options, out: at("budget.safetensors"), budget: { limit: 1, metric: "loss" } }),
  );
  const folders = await twoFolders(temporaryFolder());
  expectToFit("merge@1", await merge({ ...folders, layers: ["model.layers.1"] }));
});

it("comparisons fit the schema of distance@1", async () => {
  const { a, b } = base();
  expectToFit("distance@1", await compareFiles(a, b, { init: a }));
  const folders = await twoFolders(temporaryFolder());
  expectToFit("distance@1", await compareFolders(folders.a, folders.b));
});

it("what commands print with --json fits its schema", async () => {
  const printed = (...args: string[]) => {
    const cli = join(projectRoot, "dist/cli/main.js");
    return JSON.parse(spawnSync(process.execPath, [cli, ...args, "--json"], { cwd: folder, encoding: "utf8" }).stdout);
  };
  const recipe = `model: { name: mlp, hidden: 4 }
data: { name: cifar10-half, samples: 100, augment: false }
training: { epochs: 1, batch: 50 }
measure: { scans: [full], samples: 20, splits: [train] }
claims: [{ says: it is small, split: train, take: full, below: 9 }]
`;
  writeFileSync(at("tiny.yaml"), recipe);
  const plan = printed("reproduce", "tiny.yaml", "--plan");
  expect(plan.runs[0].time.steps).toBe(2);
  expectToFit("plan@1", plan);
  const trained = printed("train", "tiny.yaml", "--quiet");
  expectToFit("train@1", trained);
  const reproduced = printed("reproduce", "tiny.yaml", "--quiet");
  expect(reproduced.runs[0].claims[0].verdict).toBe("holds");
  expectToFit("reproduce@1", reproduced);
  const { document, scores } = await measure(base());
  await saveMeasurement(document, scores, renderMeasurement(document), at("measured"));
  const redrawn = printed("report", trained.folder, "measured");
  expect(redrawn.runs).toHaveLength(2);
  expectToFit("report@1", redrawn);
  const job = {
    id: "tiny-1",
    command: ["reproduce"],
    cwd: folder,
    started: "2026-11-02T09:30:00.000Z",
    environment: {},
  };
  const unit = { key: "first", argv: ["true"], result: at("tiny.yaml"), cpus: 1, group: "all" };
  await writeJob({ ...job, path: jobPath(at("runs"), job.id) }, [unit]);
  writeFileSync(join(jobPath(at("runs"), job.id), "finished"), "");
  const units = [{ key: "first", state: "done" }];
  expect(printed("jobs").jobs).toMatchObject([{ id: job.id, units }]);
  expectToFit("jobs@2", printed("jobs"));
  expectToFit("job@2", printed("jobs", "show", job.id));
});

const recipes = [
  ...readdirSync(join(projectRoot, "recipes"))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => `recipes/${name}`),
  "docs/examples/rings.yaml",
];
it.each(recipes)("%s fits the schema of a recipe", (path) => {
  expectToFit("recipe", parse(readFileSync(join(projectRoot, path), "utf8")));
});

it.each(readdirSync(join(projectRoot, "recipes/scales")))("recipes/scales/%s fits it as a scale", (name) => {
  const changes = parse(readFileSync(join(projectRoot, "recipes/scales", name), "utf8"));
  expectToFit("recipe", { scales: { small: changes } });
});

it("a misspelt key of a recipe or of a scale does not fit", () => {
  const validate = ajv.compile(readSchema("recipe"));
  expect(validate({ trainig: {} })).toBe(false);
  expect(validate({ scales: { small: { training: { epoch: 3 } } } })).toBe(false);
  expect(validate({ scales: { small: { from: "width-32", training: { epochs: 3 } } } })).toBe(true);
});
