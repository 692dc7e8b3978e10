// Labelled texts and pairs of texts against transformers: tokens, masks and types of four tokenizers, and the losses of
// two networks (shared/fixtures/encoders/text-pairs).
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { fillFrame } from "../src/hub/text/frame.ts";
import { readTokenizer } from "../src/hub/text/tokenizer.ts";
import { encoders } from "./encoder-fixtures.ts";
import { hasShared } from "./shared.ts";

interface Batch {
  readonly input_ids: readonly (readonly number[])[];
  readonly attention_mask: readonly (readonly number[])[];
  readonly token_type_ids?: readonly (readonly number[])[];
}
interface ExpectedTokens {
  readonly pairs: readonly Batch[];
  readonly singles: readonly Batch[];
}
interface Scored {
  readonly loss: number;
  readonly error: number;
}
interface Expected {
  readonly tokens: Readonly<Record<string, ExpectedTokens>>;
  readonly networks: Readonly<Record<"a" | "b", Scored>> & {
    readonly full: Scored & { readonly loss_barrier: number; readonly error_barrier: number };
  };
}

const at = (name: string) => encoders("text-pairs", name);
const { tokens, networks }: Expected = hasShared
  ? JSON.parse(readFileSync(at("expected.json"), "utf8"))
  : { tokens: {} };
const rows: { readonly sentence1: string; readonly sentence2: string }[] = hasShared
  ? readFileSync(at("pairs.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
  : [];

/** Each row of the batches without padding. */
const unpadded = (batches: readonly Batch[], key: keyof Batch): number[][] =>
  batches.flatMap((batch) => batch[key]!.map((row, i) => row.filter((_, at) => batch.attention_mask[i][at] === 1)));

describe.skipIf(!hasShared)(`labelled texts${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  for (const [name, { pairs, singles }] of Object.entries(tokens))
    it(`are the same tokens as in Python: ${name}`, async () => {
      const tokenizer = await readTokenizer(encoders(name, "a"));
      const encode = (text: string) => tokenizer.encode(text, false);
      const both = rows.map((row) => fillFrame(tokenizer.frame(), [encode(row.sentence1), encode(row.sentence2)], 24));
      expect(both.map(({ ids }) => ids)).toEqual(unpadded(pairs, "input_ids"));
      if (pairs[0].token_type_ids) expect(both.map(({ types }) => types)).toEqual(unpadded(pairs, "token_type_ids"));
      const alone = rows.map((row) => fillFrame(tokenizer.frame(), [encode(row.sentence2)], 12));
      expect(alone.map(({ ids }) => ids)).toEqual(unpadded(singles, "input_ids"));
    });

  for (const file of ["pairs.jsonl", "pairs.tsv", "pairs.csv", "pairs.parquet", "pairs-other-order.parquet"])
    it(`have the losses of transformers: ${file}`, async () => {
      const [a, b] = ["a", "b"].map((end) => encoders("bert-pairs", end));
      const data = { name: at(file), context: 48 };
      const { document } = await measure({ a, b, model: {}, data, scans: ["full"] });
      for (const end of ["a", "b"] as const) {
        expect(Math.abs(document.ends[end].loss! - networks[end].loss)).toBeLessThan(5e-6 * networks[end].loss);
        expect(document.ends[end].error).toBeCloseTo(networks[end].error, 3);
      }
      const [{ loss, error }] = document.cells;
      expect(Math.abs(loss!.barrier! - networks.full.loss_barrier)).toBeLessThan(5e-6 * networks.full.loss);
      expect(error!.barrier!).toBeCloseTo(networks.full.error_barrier, 3);
      expect(document.notes?.join()).toContain("5 of 12 texts are longer than 48 tokens");
    });
});
