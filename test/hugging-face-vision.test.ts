// Folders of image classifiers against transformers, timm and torchvision: logits, losses and barriers (shared/fixtures/encoders).
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./checkpoints.ts";
import { encoders, expectedOf, expectFixture, expectLogits } from "./encoder-fixtures.ts";
import { hasShared } from "./shared.ts";

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

  it("heads of different sizes stay each end's own", async () => {
    await expectLogits("vit-heads");
    const { notes } = await expectFixture("vit-heads");
    expect(notes?.join()).toContain("each end keeps its own head");
  });

  it("equal transformers: clip-classifier", async () => {
    await expectLogits("clip-classifier");
    await expectFixture("clip-classifier");
  });

  it("equal transformers: the vision tower of CLIP with a matrix of texts as its head", async () => {
    await expectFixture("clip-zero-shot", "block", "", { head: encoders("clip-zero-shot/text.safetensors") });
  });

  it("equal transformers: both towers of CLIP, with a sentence for each class", async () => {
    const names: string[] = expectedOf("clip-both").classes!;
    const path = join(temporaryFolder(), "classes.txt");
    writeFileSync(path, names.map((name) => `a photo of a ${name}.\n`).join(""));
    await expectFixture("clip-both", "block", "", { classes: path });
  });

  it("equal transformers by modules", async () => {
    await expectFixture("vit", "module");
  });

  it("equal transformers under the names of its version 5", async () => {
    await expectLogits("vit", "-new");
    await expectFixture("vit", "block", "-new");
  });
});
