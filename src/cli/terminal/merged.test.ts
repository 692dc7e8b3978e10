import { expect, it } from "vitest";
import type { MergeRecord } from "../../merging/index.ts";
import { describeMerge } from "./merged.ts";

it.each([
  [{ fc: 0.5 }, [], "Averaged the only layer."],
  [{ fc: 0.5, conv: 0.5 }, [], "Averaged all 2 layers."],
  [{ fc: 0.5 }, ["conv"], "Averaged 1 of 2 layers, 50.0 % of the parameters: fc."],
])("says that %j was averaged, and %j kept", (averaged, kept, sentence) => {
  const record = { averaged, kept, base: "a", parameters: { averaged: 1, all: 2 }, a: {}, b: {}, out: {} };
  expect(describeMerge(record as unknown as MergeRecord, "m.merge.json")).toContain(sentence);
});
