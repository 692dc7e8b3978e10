import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Mix, mixKey, mixOf, orderMixes } from "./mixes.ts";
import type { Source } from "./source.ts";

const sources: Readonly<Record<string, Source>> = {
  a: { kind: "end", end: "a" },
  b: { kind: "end", end: "b" },
  m: { kind: "average", alpha: 0.5 },
};
const mixed = (names: string): Mix => ({ sources: [...names].map((name) => sources[name]) });

describe("mixes", () => {
  it("use the average on the cell's layers and the base elsewhere", () => {
    const names = ["x", "y", "z"];
    expect(mixOf(names, { averaged: ["y"], base: "b", alpha: 0.5 })).toEqual(mixed("bmb"));
    expect(mixKey(mixOf(names, { averaged: ["x", "y"], base: null, alpha: 0.25 }))).toBe("m0.25 m0.25 a");
    expect(mixKey(mixOf(names, { averaged: ["z"], base: "b", alpha: 0.25, draw: 3 }))).toBe("b b rb0.25#3");
  });

  const mixes = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "m"), minLength: 6, maxLength: 6 }).map(mixed), {
    maxLength: 40,
  });

  it("are evaluated once each, and mixes with a common prefix are consecutive", () => {
    fc.assert(
      fc.property(mixes, (list) => {
        const ordered = orderMixes(list);
        expect(ordered.map(mixKey).sort()).toEqual([...new Set(list.map(mixKey))].sort());
        for (let depth = 1; depth <= 6; depth++) {
          const prefixes = ordered.map(({ sources }) => mixKey({ sources: sources.slice(0, depth) }));
          const runs = prefixes.filter((prefix, i) => prefix !== prefixes[i - 1]);
          expect(new Set(runs).size).toBe(runs.length); // no prefix comes again after another one
        }
      }),
    );
  });

  it("evaluate the branch with the same source as before last, so that shared values are released early", () => {
    const ordered = orderMixes(["aaa", "aam", "ama"].map(mixed));
    expect(ordered.map(mixKey)).toEqual(["a m0.5 a", "a a m0.5", "a a a"]);
  });
});
