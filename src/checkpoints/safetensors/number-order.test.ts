import fc from "fast-check";
import { expect, it } from "vitest";
import { orderByNumber } from "./number-order.ts";

const dtypeOf = ([, dtype]: readonly [string, string]) => dtype;
const names = (entries: readonly (readonly [string, string])[]) =>
  orderByNumber(entries, dtypeOf).map(([name]) => name);

it("puts numbers in numerical order if the names were sorted", () => {
  const sorted = ["h.0.a", "h.1.a", "h.10.a", "h.10.b", "h.2.a", "norm"].map((name) => [name, "F32"] as const);
  expect(names(sorted)).toEqual(["h.0.a", "h.1.a", "h.2.a", "h.10.a", "h.10.b", "norm"]);
});

it("joins the runs of dtypes", () => {
  const runs = [
    ["h.1.norm", "F32"],
    ["h.10.norm", "F32"],
    ["h.2.norm", "F32"],
    ["h.1.fc", "BF16"],
    ["h.10.fc", "BF16"],
    ["h.2.fc", "BF16"],
  ] as const;
  expect(names(runs)).toEqual(["h.1.fc", "h.1.norm", "h.2.fc", "h.2.norm", "h.10.fc", "h.10.norm"]);
});

it("keeps any other order", () => {
  const own = ["stem", "h.10.a", "h.2.a", "head"].map((name) => [name, "F32"] as const);
  expect(names(own)).toEqual(own.map(([name]) => name));
  const mixed = [
    ["a.1", "F32"],
    ["a.10", "BF16"],
    ["a.2", "F32"],
  ] as const;
  expect(names(mixed)).toEqual(["a.1", "a.10", "a.2"]);
});

it("keeps all entries, and sorted names without numbers as they are", () => {
  const entry = fc.tuple(fc.stringMatching(/^[a-c.]{0,3}\d{0,3}[a-c]?$/), fc.constantFrom("F32", "I64"));
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: ([name]) => name }), (entries) => {
      const sorted = [...entries].sort(([x], [y]) => (x < y ? -1 : 1));
      const found = orderByNumber(sorted, () => "");
      expect([...found].sort(([x], [y]) => (x < y ? -1 : 1))).toEqual(sorted);
      if (sorted.every(([name]) => !/\d/.test(name))) expect(found).toEqual(sorted);
    }),
  );
});
