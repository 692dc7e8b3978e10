import fc from "fast-check";
import { expect, it } from "vitest";
import { leastWidth, shortenNames } from "./names.ts";

const blocks = (count: number, name: (i: number) => string[]) =>
  Array.from({ length: count }, (_, i) => name(i)).flat();
const bert = [
  "bert.embeddings.word_embeddings",
  ...blocks(12, (i) =>
    ["attention.self.query", "attention.output.dense", "intermediate.dense", "output.dense"].map(
      (part) => `bert.encoder.layer.${i}.${part}`,
    ),
  ),
  "classifier",
];

it("leaves names that fit", () => {
  expect(shortenNames(["layer1.0.conv1", "fc"], 14)).toEqual(["layer1.0.conv1", "fc"]);
});

it("drops the beginning if the rest is distinct", () => {
  expect(shortenNames(["encoder.layer.0.query", "encoder.layer.1.query", "head"], 12)).toEqual([
    "….0.query",
    "….1.query",
    "head",
  ]);
});

it("abbreviates with initials and numbers otherwise", () => {
  const short = shortenNames(bert, 24);
  expect(new Set(short).size).toBe(bert.length);
  expect(short.slice(0, 3)).toEqual(["b.e.word_embeddings", "b.e.l.0.a.self.query", "b.e.l.0.a.output.dense"]);
  expect(short.at(-1)).toBe("classifier");
  const vit = blocks(2, (i) => [
    `T/encoderblock_${i}/MultiHeadDotProductAttention_1/query`,
    `T/encoderblock_${i}/norm`,
  ]);
  expect(shortenNames(vit, 45)).toEqual([
    "T/e0/MultiHeadDotProductAttention_1/query",
    "T/encoderblock_0/norm",
    "T/e1/MultiHeadDotProductAttention_1/query",
    "T/encoderblock_1/norm",
  ]);
});

it("cuts the middle of a single long component", () => {
  const names = ["a", "b"].map((x) => `${x}${"-".repeat(30)}`);
  expect(shortenNames(names, 13)).toEqual(["a-----…------", "b-----…------"]);
});

it("keeps names distinct in any width", () => {
  const part = fc.oneof(
    fc.constantFrom("encoder", "layer", "attention", "0", "1", "10", "…"),
    fc.string({ maxLength: 20 }),
  );
  const name = fc
    .array(part, { minLength: 1, maxLength: 6 })
    .chain((parts) => fc.constantFrom(".", "/").map((separator) => parts.join(separator)));
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: leastWidth, max: 60 }),
      (names, width) => {
        const short = shortenNames(names, width);
        expect(new Set(short).size).toBe(names.length);
        expect(Math.max(...short.map(({ length }) => length))).toBeLessThanOrEqual(width);
      },
    ),
    { numRuns: 500 },
  );
});
