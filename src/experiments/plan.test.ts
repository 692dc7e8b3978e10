import { describe, expect, it } from "vitest";
import { planRuns, repeatRecipe } from "./plan.ts";
import { parseRecipe, recipeHash, timelineOf } from "./recipe/index.ts";
import { planReproduction, reproduce } from "./reproduce.ts";

const recipe = (values: object) => parseRecipe(values, "test.yaml");
const short = { training: { epochs: 6 }, data: { name: "cifar10-half" } };

describe("the plan", () => {
  it("gives recipes with the same networks one run, measured for all of them", () => {
    const [first, ...others] = planRuns([
      recipe({ name: "x", ...short, measure: { every: 3, scans: ["single"], samples: 50, base: "a" } }),
      recipe({
        name: "y",
        ...short,
        measure: { every: 3, scans: ["deep"], samples: 90, base: "b", splits: ["train"] },
      }),
      recipe({ name: "z", ...short, pair: { init: "different" }, measure: { every: 3 } }),
    ]);
    expect(first.names).toEqual(["x", "y"]);
    expect(first.points.map(({ name }) => name)).toEqual([
      "epoch-0000-train.json",
      "epoch-0000-test.json",
      "epoch-0003-train.json",
      "epoch-0003-test.json",
      "epoch-0006-train.json",
      "epoch-0006-test.json",
    ]);
    expect(first.points[0]).toMatchObject({ scans: ["single", "full", "deep"], base: "both", samples: 90 });
    expect(first.points[1]).toMatchObject({ scans: ["single", "full"], base: "a", samples: 50 });
    expect(others.map(({ names }) => names)).toEqual([["z"]]);
  });

  it("names all missing data sets and how to fetch them", async () => {
    const of = (name: string, ...more: object[]) =>
      recipe(Object.assign({ name, data: { name: "cifar10", dir: "nowhere" } }, ...more));
    const text = { model: { name: "gpt" }, data: { name: "shakespeare", dir: "nowhere" } };
    await expect(planReproduction([of("x"), of("y"), of("z", text)])).rejects.toThrow(
      "Data sets are missing: cifar10 (for x, y); shakespeare (for z). Give the folder of the official files with --data-dir (data.dir in a recipe), or download them with `layerwise fetch cifar10` and `layerwise fetch shakespeare`. A plan needs them too: it times training steps on the samples.",
    );
    await expect(reproduce([of("x")])).rejects.toThrow(
      /^CIFAR-10 is missing: there is no .* `layerwise fetch cifar10`\.$/,
    );
  });

  it("measures one network at two epochs in a row from the first epoch on", () => {
    const [{ points }] = planRuns([
      recipe({ ...short, measure: { every: 4, ends: "consecutive", scans: ["full"], splits: ["test"] } }),
    ]);
    expect(points.map(({ name }) => name)).toEqual(["consecutive-0004-test.json", "consecutive-0006-test.json"]);
  });

  it("repeats with other random seeds; the first pair is the recipe itself", () => {
    const one = recipe({ ...short, federated: { partition: "dirichlet", alpha: 1 } });
    expect(repeatRecipe(one, 0)).toEqual(one);
    const third = repeatRecipe(one, 2);
    expect([third.pair.init_seed, third.pair.order_seeds, third.federated?.seed]).toEqual([201, [205, 207], 201]);
    expect(new Set([0, 1, 2].map((pair) => recipeHash(repeatRecipe(one, pair)))).size).toBe(3);
  });
});

describe("the timeline of a recipe", () => {
  const timeline = (values: object) => timelineOf(recipe({ ...short, ...values }));

  it("has the recipe's length, its checkpoints and its rounds", () => {
    expect(timeline({ measure: { every: 4 } }).kept).toEqual([0, 4, 6]);
    expect(timeline({ measure: { every: 3 }, training: { epochs: 6, keep_previous: true } }).kept).toEqual([
      0, 2, 3, 5, 6,
    ]);
    expect(timeline({ measure: { every: 6 }, federated: { aggregate: { every: 4 } } })).toMatchObject({
      unit: "epoch",
      total: 6,
      kept: [0, 4, 6],
      rounds: [
        { from: 0, until: 4 },
        { from: 4, until: 6 },
      ],
    });
    expect(timeline({ training: { steps: 9 } })).toMatchObject({ unit: "step", total: 9, measured: [0, 9] });
  });
});

describe("a recipe's hash", () => {
  it("does not change with what is measured, nor with keys that have no effect", () => {
    const hash = (values: object) => recipeHash(recipe({ ...short, ...values }));
    expect(hash({ measure: { scans: ["deep"], samples: 9 } })).toBe(hash({}));
    expect(hash({ training: { epochs: 6, period: 5 } })).toBe(hash({}));
    expect(hash({ training: { epochs: 6, keep_previous: false } })).toBe(hash({}));
    expect(hash({ training: { epochs: 6, keep_previous: true } })).not.toBe(hash({}));
    expect(hash({ data: { name: "docs/examples/rings.mjs" } })).not.toBe(hash({ data: { name: "other.mjs" } }));
  });
});
