// Text encoders against transformers: every family, task and naming in shared/fixtures/encoders.
import { describe, expect, it } from "vitest";
import { expectFixture, expectLogits } from "./encoder-fixtures.ts";
import { hasShared } from "./shared.ts";

const variants = [
  "bert-pairs",
  "bert-mlm",
  "bert-tokens",
  "bert-multilabel",
  "bert-regression",
  "roberta",
  "distilbert",
  "modernbert",
  "modernbert-mean",
];

describe.skipIf(!hasShared)(`encoders of text${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  for (const variant of variants)
    it(`equal transformers: ${variant}`, async () => {
      await expectLogits(variant);
      const { notes, model } = await expectFixture(variant);
      expect(notes?.join()).toContain("ignored: logits_a");
      expect(model.task).toBeDefined();
    });

  it("equal transformers by modules", async () => {
    await expectFixture("bert-pairs", "module");
  });

  for (const variant of ["bert-mlm", "modernbert"])
    it(`equal transformers with the names of older files: ${variant}`, async () => {
      await expectLogits(variant, "-old");
      await expectFixture(variant, "block", "-old");
    });
});
