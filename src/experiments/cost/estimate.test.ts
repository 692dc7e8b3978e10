import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { planRuns } from "../plan.ts";
import { parseRecipe } from "../recipe/index.ts";
import { estimate } from "./estimate.ts";

it("counts the samples and networks of two trainings, even if a batch is larger than the data", async () => {
  const small = (values: object) =>
    parseRecipe(
      {
        model: { name: "mlp", hidden: 4 },
        data: { name: "cifar10-half", samples: 40 },
        training: { epochs: 3 },
        measure: { every: 3, splits: ["train"], scans: ["single"], samples: 10 },
        ...values,
      },
      "small.yaml",
    );
  const recipes = [
    small({}),
    small({ name: "longer", training: { epochs: 6 } }),
    small({ name: "parts", federated: {} }),
  ];
  const runs = join(tmpdir(), "layerwise-never-made");
  const costs = await estimate(planRuns(recipes), runs, { cpus: () => 1 });
  expect(costs.map(({ samples }) => samples)).toEqual([2 * 3 * 40, 2 * 6 * 40, 2 * 3 * 20]);
  expect(costs.map(({ networks }) => networks)).toEqual(Array(3).fill({ missing: 2, all: 2 }));
  for (const { seconds, bytes } of costs) expect(Math.min(seconds, bytes)).toBeGreaterThan(0);
});
