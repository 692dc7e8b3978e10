import fc from "fast-check";
import { expect, it } from "vitest";
import { cellSchema, decodeCell, encodeCell, type Metric } from "./cell.ts";

const maybe = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
const interval = fc.option(fc.tuple(fc.double({ noNaN: true }), fc.double({ noNaN: true })));
const scored = fc.record({ value: maybe, barrier: maybe, interval }, { noNullPrototype: true });
const place = { scan: "single", layer: "fc", averaged: ["fc"], base: "a", alpha: 0.5 } as const;

it("decodes what was encoded, with only the metrics that were measured", () => {
  const measured = fc.constantFrom<Metric[]>(["loss", "error"], ["loss"], ["error"]);
  const draws = fc.option(fc.nat({ max: 3 }), { nil: undefined });
  fc.assert(
    fc.property(measured, scored, scored, draws, fc.option(fc.nat(), { nil: undefined }), (some, x, y, count, seen) => {
      const of = (values: object) =>
        Object.fromEntries(Object.entries(values).filter(([key]) => some.includes(key as Metric)));
      const random = { barrier: x.barrier, draws: Array.from({ length: count ?? 0 }, () => y.barrier) };
      const cell = {
        ...place,
        ...of({ loss: x, error: y }),
        ...(seen === undefined ? {} : { perplexity: x.value, samples: seen }),
        ...(count === undefined ? {} : { baseline: of({ loss: random, error: random }) }),
      };
      const stored = encodeCell(cell);
      expect(decodeCell(stored, some)).toStrictEqual(cell);
      expect(JSON.stringify(encodeCell(decodeCell(stored, some)))).toBe(JSON.stringify(stored));
      expect(stored.baseline?.error_draws.length).toBe(count);
      expect(stored.baseline?.loss_draws.length).toBe(count);
    }),
  );
});

it("is stored under the names and in the order of layerwise/measure@1", () => {
  const scores = { value: 1, barrier: 2, interval: [3, 4] as [number, number] };
  const stored = encodeCell({
    ...place,
    loss: scores,
    perplexity: 8,
    samples: 5,
    baseline: { loss: { barrier: 6, draws: [5, 7] } },
  });
  expect(JSON.stringify(stored)).toBe(
    '{"scan":"single","layer":"fc","averaged":["fc"],"base":"a","alpha":0.5,"loss":1,"error":null,"perplexity":8,"loss_barrier":2,' +
      '"loss_interval":[3,4],"error_barrier":null,"error_interval":null,"samples":5,"baseline":{"loss_barrier":6,' +
      '"error_barrier":null,"loss_draws":[5,7],"error_draws":[null,null]}}',
  );
  expect(Object.keys(stored)).toEqual(Object.keys(cellSchema.shape));
});
