// Rotary angles against transformers, with new and old config keys (shared/fixtures/huggingface/rope.json).
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Config, type JsonObject } from "../src/hub/config.ts";
import { decoders } from "../src/hub/families/index.ts";
import { hasShared, sharedPath } from "./shared.ts";

interface Angles {
  readonly inv_freq: readonly number[];
  readonly factor: number;
}
interface Case {
  readonly about: string;
  readonly config: JsonObject;
  readonly context: number;
  readonly layers?: Readonly<Record<string, Angles>>;
}
const { cases: given }: { cases: Case[] } = hasShared
  ? JSON.parse(readFileSync(sharedPath("fixtures/huggingface/rope.json"), "utf8"))
  : { cases: [] };
// transformers 5 refuses "su", which version 4 read as longrope (see rope.json's README)
const layersOfOld = given.find(({ about }) => about === "longrope, old")?.layers;
const cases = given.map((one) => (one.about === "longrope, called su" ? { ...one, layers: layersOfOld } : one));

describe.skipIf(!hasShared)(`rotary angles${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  for (const { about, config: keys, context, layers } of cases)
    it(layers ? `equal transformers: ${about}` : `refuse what transformers refuses: ${about}`, () => {
      const config = new Config("config.json", { num_key_value_heads: 4, ...keys });
      const family = decoders.find(({ type }) => type === config.text("model_type"))!;
      if (!layers) return expect(() => family.read(config)).toThrow("rope_");
      const { blocks } = family.read(config);
      for (const [kind, { inv_freq, factor }] of Object.entries(layers)) {
        const slides = (window: number | undefined) => (kind === "sliding_attention") === (window !== undefined);
        const block = kind === "all" ? blocks[0] : blocks.find(({ attention }) => slides(attention.window))!;
        const found = block.attention.rotary!.at(context);
        expect(found.factor).toBeCloseTo(factor, 6);
        expect(found.inverse.length).toBe(inv_freq.length);
        for (const [i, frequency] of inv_freq.entries())
          expect(Math.abs(found.inverse[i] / frequency - 1)).toBeLessThan(1e-6);
      }
    });
});
