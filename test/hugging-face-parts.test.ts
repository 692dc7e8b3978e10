// Folders that are part of something larger, or contain parts: diffusers' pipelines, sentence-transformers, a base
// model without a head.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { tensor, toNumbers } from "../src/core/index.ts";
import { areFolders, compareFiles, compareFolders } from "../src/distance/index.ts";
import { readModelFolder } from "../src/hub/index.ts";
import { merge } from "../src/merging/index.ts";
import { readTensors, temporaryFolder, writeTensors } from "./checkpoints.ts";
import { tinyBert, twoFolders } from "./model-folder.ts";

const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => "",
    (error: Error) => error.message,
  );

/** A part with constant weights, and a config.json that does not name a transformers model. */
async function writePart(path: string, value: number, config: object, name = "model.safetensors"): Promise<string> {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  await writeTensors(join(path, name), "safetensors", new Map([["linear.weight", tensor("float32", [2], [value, 0])]]));
  return path;
}

describe.each([
  ["diffusers", { _class_name: "UNet2DConditionModel", sample_size: 8 }, "diffusion_pytorch_model.safetensors"],
  ["sentence-transformers", { in_features: 2, out_features: 1 }, "model.safetensors"],
])("a part of %s", (_, config, name) => {
  it("is compared and merged like its file", async () => {
    const within = temporaryFolder();
    const [a, b] = [
      await writePart(join(within, "a", "part"), 1, config, name),
      await writePart(join(within, "b", "part"), 4, config, name),
    ];
    expect(areFolders(a, b)).toBe(false);
    expect((await compareFiles(a, b)).distance.full.euclidean).toBe(3);
    const out = join(within, "m.safetensors");
    expect(await messageOf(merge({ a, b, out: join(within, "m") }))).toContain(
      `which are merged as files. Give --out a file name, such as ${join(within, "m.safetensors")}.`,
    );
    await merge({ a, b, out });
    expect([...toNumbers((await readTensors(out)).get("linear.weight")!)]).toEqual([2.5, 0]);
    expect(await messageOf(compareFiles(join(within, "a"), join(within, "b")))).toBe(
      `${join(within, "a")} is a folder without a checkpoint. Its subfolder contains one. Give ${a}.`,
    );
    expect(await messageOf(readModelFolder(join(within, "a")))).toBe(
      `${join(within, "a")} has no config.json, so its architecture is unknown. Its subfolder contains one. Give ${a}.`,
    );
  });
});

it.each([
  ["pytorch_model_fsdp_0/__0_0.distcp", "pytorch_model_fsdp_0 is a distributed checkpoint (DCP)."],
  ["0/default/manifest.ocdbt", "0/default is an Orbax checkpoint."],
])("the folder of %s is named for what it is, by distances, merges and measurements", async (file, sentence) => {
  const [a, b] = ["a", "b"].map((name) => {
    const folder = join(temporaryFolder(), name);
    mkdirSync(join(folder, file, ".."), { recursive: true });
    for (const one of [file, "scheduler.pt", "rng_state.pth"]) writeFileSync(join(folder, one), "");
    return folder;
  });
  for (const hasConfig of [false, true]) {
    const config = JSON.stringify(tinyBert);
    if (hasConfig) for (const folder of [a, b]) writeFileSync(join(folder, "config.json"), config);
    for (const out of ["m", "m.pt"])
      expect(await messageOf(merge({ a, b, out: join(temporaryFolder(), out) }))).toContain(join(a, sentence));
    const measured = measure({ a, b, data: { name: "synthetic:4" }, model: {}, scans: ["full"] });
    expect(await messageOf(measured)).toContain(join(a, sentence));
    expect(await messageOf(hasConfig ? compareFolders(a, b) : compareFiles(a, b))).toContain(join(a, sentence));
  }
});

it("a diffusers part is not evaluated; a config.json without a model next to a tokenizer is a fault", async () => {
  const within = temporaryFolder();
  const a = await writePart(join(within, "a"), 1, { _class_name: "AutoencoderKL" });
  expect(await messageOf(readModelFolder(a))).toBe(
    `${join(a, "config.json")}: _class_name is AutoencoderKL, a diffusers model, which layerwise cannot evaluate. For distances and merges, give the weight files.`,
  );
  const b = await writePart(join(within, "b"), 1, {});
  writeFileSync(join(b, "tokenizer.json"), "{}");
  expect(areFolders(b, b)).toBe(true);
  expect(await messageOf(compareFolders(b, b))).toContain("has no model_type");
  writeFileSync(join(a, "config.json"), "{");
  expect(areFolders(a, a)).toBe(true);
  expect(await messageOf(compareFolders(a, a))).toContain("is not JSON");
});

it("a base model is not evaluated, but its files are compared", async () => {
  const { a, b, out } = await twoFolders(temporaryFolder(), undefined, tinyBert);
  for (const end of [a, b])
    writeFileSync(join(end, "config.json"), JSON.stringify({ ...tinyBert, architectures: ["BertModel"] }));
  const sentence =
    /the architecture is BertModel, but .* with that architecture. For distances and merges, give the weight files/;
  expect(await messageOf(compareFolders(a, b))).toMatch(sentence);
  expect(await messageOf(merge({ a, b, out }))).toMatch(sentence);
  const files = [a, b].map((end) => join(end, "model.safetensors"));
  expect((await compareFiles(files[0], files[1])).distance.full.euclidean).toBeGreaterThan(0);
});

describe("a transformer among the parts of sentence-transformers", () => {
  const modules = [
    { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
    { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
    { idx: 2, name: "2", path: "2_Dense", type: "sentence_transformers.models.Dense" },
    { idx: 3, name: "3", path: "3_Normalize", type: "sentence_transformers.models.Normalize" },
  ];

  async function ends() {
    const { a, b, out } = await twoFolders(temporaryFolder(), undefined, tinyBert);
    for (const end of [a, b]) {
      writeFileSync(join(end, "modules.json"), JSON.stringify(modules));
      mkdirSync(join(end, "1_Pooling"));
      writeFileSync(join(end, "1_Pooling", "config.json"), '{"pooling_mode_mean_tokens": true}');
      await writePart(join(end, "2_Dense"), 1, { in_features: 2 });
    }
    return { a, b, out };
  }

  it("is merged with the parts that are the same in both", async () => {
    const { a, b, out } = await ends();
    const { notes, out: written } = await merge({ a, b, out });
    expect(notes).toBeUndefined();
    const names = ["modules.json", "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"];
    for (const name of names) expect(readFileSync(join(out, name)), name).toEqual(readFileSync(join(a, name)));
    expect(written.files).toEqual(expect.arrayContaining(names));
    await merge({ a, b, out }); // a merge may replace the files of a merge
  });

  it("is merged on its own if a part differs", async () => {
    for (const change of [
      (b: string) => writePart(join(b, "2_Dense"), 2, { in_features: 2 }),
      (b: string) => renameSync(join(b, "2_Dense"), join(b, "dense")),
    ]) {
      const { a, b, out } = await ends();
      await change(b);
      const { notes } = await merge({ a, b, out });
      expect(notes).toEqual([
        `Not copied from ${a}: 1_Pooling, 2_Dense, modules.json.`,
        `2_Dense of sentence-transformers differs between ${a} and ${b}, so modules.json is not copied, and the merged folder contains only the transformer.`,
      ]);
      for (const name of ["modules.json", "1_Pooling", "2_Dense"]) expect(existsSync(join(out, name))).toBe(false);
    }
  });

  it("is merged on its own if the list points outside the folder", async () => {
    const { a, b, out } = await ends();
    cpSync(join(a, "1_Pooling"), join(a, "..", "elsewhere"), { recursive: true });
    for (const end of [a, b]) writeFileSync(join(end, "modules.json"), '[{"path": "../elsewhere"}]');
    const { notes } = await merge({ a, b, out });
    expect(notes?.join(" ")).toContain("modules.json of sentence-transformers differs");
    expect(existsSync(join(out, "modules.json"))).toBe(false);
  });
});
