import { expect, it } from "vitest";
import { parseScans } from "../../connectivity/index.ts";
import { parseRecipe } from "../recipe/index.ts";
import { pointSize } from "./size.ts";

it("counts distinct mixes: cells that average the same layers on one base are one", async () => {
  const recipe = parseRecipe({ data: { name: "cifar10-half" } }, "test.yaml");
  const size = (scans: string) =>
    pointSize(recipe, {
      a: "a.safetensors",
      b: "b.safetensors",
      model: { name: "resnet18-nonorm" },
      data: { name: "cifar10-half", samples: 50 },
      scans: parseScans(scans),
    });
  // 21 layers on two bases, all of them together on one, and the two ends
  expect(await size("single,full")).toEqual({ mixes: 2 * 21 + 1 + 2, samples: 50 });
  // shallow begins with a single layer and ends with all of them: mixes of the other scans
  expect((await size("single,shallow,full")).mixes).toBe(2 * 21 + 2 * (21 - 2) + 1 + 2);
  // of 211 cells; with seed 111 the random order leaves the same one and two layers for the end as minimal does
  expect((await size("single,shallow,deep,random,minimal,full")).mixes).toBe(189 - 2 * 2);
});
