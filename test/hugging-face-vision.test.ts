// Folders of image classifiers against transformers, timm and torchvision: logits, losses and barriers
// (shared/fixtures/encoders).
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { tensor } from "../src/core/index.ts";
import { readTensors, temporaryFolder, writeNew } from "./checkpoints.ts";
import { encoders, expectedOf, expectFixture, expectLogits, fixtureArrays, logitsOf } from "./encoder-fixtures.ts";
import { randomTensor } from "./onnx-graphs.ts";
import { hasShared } from "./shared.ts";
import { writeNpy } from "./vision-folders.ts";

const variants = ["vit", "deit", "dinov2", "convnext", "resnet", "resnet-bottleneck"];

describe.skipIf(!hasShared)(`image classifiers${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  for (const variant of variants)
    it(`equal transformers: ${variant}`, async () => {
      await expectLogits(variant);
      await expectFixture(variant);
    });

  for (const variant of ["timm-resnet18", "timm-resnet18d", "timm-vit", "timm-vit-avg", "timm-convnext"])
    it(`equal timm: ${variant}`, async () => {
      await expectLogits(variant);
      await expectFixture(variant);
    });

  for (const variant of ["tv-resnet18", "tv-resnet50", "tv-vit", "tv-convnext", "tv-mobilenet-v2", "tv-vgg11-bn"])
    it(`equal torchvision: ${variant}`, async () => {
      await expectLogits(variant, "/model.pth");
      await expectFixture(variant, "block", "/model.pth");
    });

  it("each end keeps its head if the sizes differ", async () => {
    await expectLogits("vit-heads");
    const { notes } = await expectFixture("vit-heads");
    expect(notes?.join()).toContain("each end keeps its own head");
  });

  it("equal transformers: clip-classifier", async () => {
    await expectLogits("clip-classifier");
    await expectFixture("clip-classifier");
  });

  it("equal transformers: CLIP's vision tower with text embeddings as its head", async () => {
    const texts = { head: encoders("clip-zero-shot/text.safetensors") };
    await expectLogits("clip-zero-shot", "", texts);
    await expectFixture("clip-zero-shot", "block", "", texts);
  });

  it("equal transformers: both of CLIP's towers, with a sentence for each class", async () => {
    const names: string[] = expectedOf("clip-both").classes!;
    const path = join(temporaryFolder(), "classes.txt");
    writeFileSync(path, names.map((name) => `a photo of a ${name}.\n`).join(""));
    await expectLogits("clip-both", "", { classes: path });
    await expectFixture("clip-both", "block", "", { classes: path });
  });

  it("equal transformers by modules", async () => {
    await expectFixture("vit", "module");
  });

  it("equal transformers under the names of its version 5", async () => {
    await expectLogits("vit", "-new");
    await expectFixture("vit", "block", "-new");
  });

  it("positions of DINOv2 follow the image's size", async () => {
    const pixels = (await fixtureArrays("dinov2")).get("pixel_values")!;
    const [rows, columns] = [42, 35]; // the fixture's images with their last rows and columns repeated
    const wide = tensor("float32", [2, 3, rows, columns]);
    for (let at = 0; at < wide.data.length; at++) {
      const [image, y, x] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
      wide.data[at] = pixels.data[(image * 28 + Math.min(y, 27)) * 28 + Math.min(x, 27)];
    }
    const logits = await logitsOf(encoders("dinov2/a"), new Map([["pixel_values", wide]]));
    const wanted = [-1.43971, -2.15763, 6.22124, -1.89609, -0.09081, -1.17436, -0.44379, 1.83107, 1.56634, -2.28706];
    for (const [i, value] of wanted.entries()) expect(logits[i]).toBeCloseTo(value, 4); // transformers 5.24
  });

  for (const variant of ["vit", "deit", "dinov2", "convnext", "clip-classifier", "timm-vit", "timm-resnet18"])
    it(`read image files: ${variant}`, async () => {
      const stored = await readTensors(encoders(variant, "expected.npz"));
      const folder = temporaryFolder();
      for (const name of ["images", "labels"]) {
        const { dtype, shape, data } = stored.get(name)!;
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        writeNpy(join(folder, `${name}.npy`), dtype === "uint8" ? "|u1" : "<i8", shape, bytes);
      }
      const [a, b] = ["a", "b"].map((end) => encoders(variant, end));
      const { document } = await measure({ a, b, model: {}, data: { name: folder }, scans: ["full"] });
      const { ends, samples } = expectedOf(variant);
      expect(document.data.samples).toBe(samples);
      for (const end of ["a", "b"] as const)
        expect(Math.abs(document.ends[end].loss! - ends[end].loss)).toBeLessThan(5e-6 * ends[end].loss);
    });

  it("CLIP needs texts, with sentences that are not too long", async () => {
    const [a, b] = ["a", "b"].map((end) => encoders("clip-both", end));
    const data = { name: `npz:${await writeNew(Object.fromEntries(await fixtureArrays("clip-both")), "npz")}` };
    const run = (model: Parameters<typeof measure>[0]["model"]) => measure({ a, b, model, data, scans: ["full"] });
    await expect(run({})).rejects.toThrow("compares images with texts. Give a sentence for each class with --classes");
    const path = join(temporaryFolder(), "classes.txt");
    writeFileSync(path, "a cat\n\na dog\n");
    await expect(run({ classes: path })).rejects.toThrow("has no sentence in line 2");
    writeFileSync(path, `a cat\n${"a very long story of a dog ".repeat(9)}\n`);
    await expect(run({ classes: path })).rejects.toThrow("line 2 has");
    const head = await writeNew({ text_embeds: randomTensor("texts", [10, 8]), logit_scale: randomTensor("s", []) });
    await expect(run({ head })).rejects.toThrow(
      "text_embeds has shape [10,8], but the vision tower gives vectors of length 16",
    );
    await expect(run({ head: await writeNew({ logit_scale: randomTensor("s", []) }) })).rejects.toThrow(
      "has no text_embeds",
    );
    await expect(run({ head, classes: path })).rejects.toThrow("Use only one of them");
  });
});
