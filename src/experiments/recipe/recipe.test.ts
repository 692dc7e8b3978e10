import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../core/index.ts";
import { networkHash, parseRecipe, readRecipe, readRecipes, recipeHash, type Scale, timelineOf } from "./index.ts";

const figure = (n: number, scale?: Scale) =>
  readRecipe(join(projectRoot, "recipes", `fig${String(n).padStart(2, "0")}.yaml`), scale);

describe("the recipes of the figures", () => {
  it("are there, twelve of them, at every scale, each with claims", async () => {
    expect(readdirSync(join(projectRoot, "recipes")).filter((file) => file.startsWith("fig"))).toHaveLength(12);
    for (let n = 1; n <= 12; n++) {
      for (const scale of ["quick", "small", "paper"] as const)
        expect((await figure(n, scale)).claims.length).toBeGreaterThan(0);
      expect(recipeHash(await figure(n, "quick"))).not.toBe(recipeHash(await figure(n)));
    }
  });

  it("share networks where the paper's figures do", async () => {
    for (const scale of ["quick", "small", "paper"] as const) {
      const hash = async (n: number) => recipeHash(await figure(n, scale));
      expect(await hash(1)).toBe(await hash(2));
      expect((await hash(1)) === (await hash(4))).toBe(scale !== "small"); // docs/decisions/005
      expect(await hash(3)).toBe(await hash(10));
      const others = [
        await hash(1),
        await hash(3),
        await hash(5),
        await hash(6),
        await hash(7),
        await hash(8),
        await hash(9),
        await hash(11),
        await hash(12),
      ];
      expect(new Set(others).size).toBe(9);
    }
  });

  it("at the medium scale are those that have it, with shared networks", async () => {
    const recipes = await readRecipes(["all"], { scale: "medium" });
    expect(recipes.map(({ name }) => name)).toEqual([
      "fig01",
      "fig02",
      "fig04",
      "fig05",
      "fig06",
      "fig07",
      "fig09",
      "fig12",
      "trajectory",
    ]);
    expect(new Set(recipes.map(recipeHash)).size).toBe(6);
    expect(await readRecipes(["all"])).toHaveLength(13);
    await expect(readRecipes(["fig3"], { scale: "medium" })).rejects.toThrow("Use --scale small or quick or paper.");
  });

  it("have the paper's values at the paper's scale", async () => {
    const { model, data, training, measure } = await figure(1);
    expect(model.name).toBe("resnet18-nonorm");
    expect(data).toMatchObject({ name: "cifar10", samples: "all", augment: true });
    expect(training).toMatchObject({
      epochs: 200,
      batch: 64,
      lr: 0.05,
      momentum: 0.9,
      weight_decay: 5e-4,
      warmup_steps: 100,
    });
    expect(measure.every).toBe(20);
    expect(timelineOf(await figure(12)).measured).toHaveLength(11);
  });
});

it("an unknown scale in a recipe is refused", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "layerwise-recipe-")), "mine.yaml");
  writeFileSync(path, "scales: { tiny: {} }");
  await expect(readRecipe(path)).rejects.toThrow(/scales.tiny is not a known scale/);
});

it("a scale may be shared, with or without further changes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "layerwise-recipe-"));
  const path = join(folder, "mine.yaml");
  const read = (scales: string) => {
    writeFileSync(path, `training: { lr: 0.1 }\nscales: ${scales}`);
    return readRecipe(path, "small");
  };
  await expect(read("{ small: brief }")).rejects.toThrow(
    /scales.small: brief is not a shared scale. The folder .* has no shared scales/,
  );
  mkdirSync(join(folder, "scales"));
  writeFileSync(join(folder, "scales/brief.yaml"), "training: { epochs: 3, batch: 8 }");
  expect((await read("{ small: brief }")).training).toMatchObject({ lr: 0.1, epochs: 3, batch: 8 });
  const changed = await read("{ small: { from: brief, training: { epochs: 4 } } }");
  expect(changed.training).toMatchObject({ lr: 0.1, epochs: 4, batch: 8 });
  await expect(readRecipe(path, "quick")).rejects.toThrow("mine.yaml has no scale quick. Use --scale small or paper.");
  expect((await readRecipe(path)).training.epochs).toBe(200);
  await expect(read("{ small: breif }")).rejects.toThrow(
    "breif is not a shared scale; did you mean brief? Known shared scales",
  );
  await expect(read("{ small: { from: 3 } }")).rejects.toThrow("scales.small.from: expected the name");
});

it("a training has epochs or steps", () => {
  const lengths = (training: object) => timelineOf(parseRecipe({ training }, "mine.yaml")).total;
  expect([lengths({}), lengths({ epochs: 3 }), lengths({ steps: 4 })]).toEqual([200, 3, 4]);
  expect(() => lengths({ epochs: 3, steps: 4 })).toThrow("mine.yaml: training: give epochs or steps, not both.");
});

it("an unknown key is reported with the nearest known key", () => {
  expect(() => parseRecipe({ scalse: {} }, "test.yaml")).toThrow(/did you mean scales\?/);
});

it("a fault names the file, the key, what it must be and what it is", () => {
  const faults: [unknown, string][] = [
    [{ training: { lr: "fast" } }, 'r.yaml: training.lr must be a number or a list, not "fast".'],
    [{ training: { epochs: 0 } }, "r.yaml: training.epochs must be above 0, not 0."],
    [{ data: { samples: "many" } }, 'r.yaml: data.samples must be a number or all, not "many".'],
    [{ pair: { order_seeds: [1] } }, "r.yaml: pair.order_seeds must be a list of at least 2 entries, not [1]."],
    [
      { measure: { splits: ["trian"] } },
      'r.yaml: measure.splits[0] must be train, valid or test, not "trian" (did you mean train?).',
    ],
    [{ claims: [{ take: "full", below: 1 }] }, "r.yaml: claims[0].says is missing; it must be text."],
    [
      { training: { optimiser: "adam", betas: [0.9, 1.5] } },
      'r.yaml has 2 faults:\n  training.optimiser must be sgd or adamw, not "adam" (did you mean adamw?)\n  training.betas[1] must be below 1, not 1.5',
    ],
    [[1], "r.yaml is not a recipe: it must contain keys"],
    [null, "r.yaml is not a recipe: it must contain keys"],
  ];
  for (const [value, message] of faults) expect(() => parseRecipe(value, "r.yaml")).toThrow(message);
});

it("a fault in a name has the file and the key too", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "layerwise-recipe-")), "r.yaml");
  const faults = {
    "measure: { scans: [singel] }": "measure.scans: There is no scan singel; did you mean single?",
    "data: { name: cifar1 }": "data.name: There is no data set cifar1; did you mean cifar10?",
    "model: { name: resnet19 }": "model: There is no model resnet19; did you mean resnet18?",
    "model: { name: mlp, width: 4 }": "model: Model mlp has no size width. It has ",
    "model: { name: mlp }\npair: { init: differnt }": "or a Hugging Face folder; did you mean different?",
    "": "is not a recipe",
  };
  for (const [text, message] of Object.entries(faults)) {
    writeFileSync(path, text);
    await expect(readRecipe(path)).rejects.toThrow(message);
    await expect(readRecipe(path)).rejects.toThrow(path);
  }
});

it("scans may be one comma-separated text", () => {
  expect(parseRecipe({ measure: { scans: ["single, deep", "full "] } }, "test.yaml").measure.scans).toEqual([
    "single",
    "deep",
    "full",
  ]);
});

it("a partition accepts only its own settings", () => {
  const parse = (federated: object) => parseRecipe({ federated }, "mine.yaml").federated;
  expect(parse({ partition: "dirichlet", alpha: 0.1 })?.alpha).toBe(0.1);
  expect(() => parse({ alpha: 0.1 })).toThrow("mine.yaml: federated: alpha is for partition: dirichlet.");
  expect(() => parse({ partition: "dirichlet", shards: 2 })).toThrow("shards is for partition: shards");
});

describe("a recipe's hash", () => {
  const values = { data: { name: "cifar10-half" }, training: { epochs: 6 } };

  it("is the same with the old name of measure.layer_order_seed", () => {
    const [old, renamed] = [{ order_seed: 7 }, { layer_order_seed: 7 }].map((seed) =>
      parseRecipe({ ...values, measure: { every: 3, ...seed } }, "mine.yaml"),
    );
    expect(old).toEqual(renamed);
    expect(old.measure.layer_order_seed).toBe(7);
    expect(() => parseRecipe({ measure: { order_sed: 7 } }, "mine.yaml")).toThrow(
      "measure.order_sed is not a known key",
    );
  });

  it("does not depend on the names of measure's keys: these are the folders of earlier versions", async () => {
    const hashes = await Promise.all([1, 3, 5, 12].map(async (n) => recipeHash(await figure(n, "small"))));
    expect(hashes).toEqual(["5e7baff745", "df4c5e0180", "4bb194a614", "e22aabddb8"]);
    expect(networkHash(await figure(5, "small"), 1)).toBe(
      "049c329878b97d42a0c0eea7ee45b4d10b1300c0086f8bd742ae18a356f9409e",
    );
  });
});
