import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { averageOf, type Mix, mixKey, mixOf, orderMixes, partsOf, randomOf } from "./mixes.ts";

describe("mixes", () => {
  it("take the average on the cell's layers and the base elsewhere", () => {
    expect(mixOf({ averaged: ["y"], base: "b" }, 0.5, ["x", "y", "z"]).sources).toEqual(["b", "m0.5", "b"]);
    expect(mixOf({ averaged: ["x", "y"], base: null }, 0.25, ["x", "y"]).sources).toEqual(["m0.25", "m0.25"]);
    expect([averageOf(0.25), "a", "b"].map((source) => partsOf(source).alpha)).toEqual([0.25, 0, 1]);
    expect(partsOf(randomOf("b", 0.25, 3))).toEqual({ kind: "random", end: "b", alpha: 0.25, draw: 3 });
  });

  const mixes = fc.array(
    fc.array(fc.constantFrom("a", "b", "m0.5"), { minLength: 6, maxLength: 6 }).map((sources): Mix => ({ sources })),
    { maxLength: 40 },
  );

  it("are evaluated once each, those that begin alike side by side", () => {
    fc.assert(
      fc.property(mixes, (list) => {
        const ordered = orderMixes(list);
        expect(ordered.map(mixKey).sort()).toEqual([...new Set(list.map(mixKey))].sort());
        for (let depth = 1; depth <= 6; depth++) {
          const beginnings = ordered.map(({ sources }) => sources.slice(0, depth).join(" "));
          const runs = beginnings.filter((beginning, i) => beginning !== beginnings[i - 1]);
          expect(new Set(runs).size).toBe(runs.length); // no beginning is left and taken up again
        }
      }),
    );
  });

  it("leave the branch that goes on as before to the end, so that its values are let go early", () => {
    const later = [1, 2].map((i): Mix => ({ sources: [0, 1, 2].map((j) => (i === j ? "m0.5" : "a")) }));
    const ordered = orderMixes([{ sources: ["a", "a", "a"] }, ...later.toReversed()]);
    expect(ordered.map(mixKey)).toEqual(["a m0.5 a", "a a m0.5", "a a a"]);
  });
});
