import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { makeFolder } from "../../core/index.ts";
import { checkpointName } from "../../training/index.ts";
import { parseRecipe, recipeHash } from "../recipe/index.ts";
import { openRunFolder, previewRunFolder } from "./folder.ts";
import { findTwins, listNetworks } from "./twins.ts";

const runs = mkdtempSync(join(tmpdir(), "layerwise-twins-"));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

const training = { epochs: 6 };
const measure = { every: 3 };
const recipe = (name: string, values: object) =>
  parseRecipe({ name, data: { name: "cifar10-half" }, training, measure, ...values }, "test.yaml");

/** The twins among recipes' networks, as `x a < y b`. */
async function twinsOf(recipes: readonly ReturnType<typeof recipe>[], threads = [1, 1]): Promise<string[]> {
  const networks: Awaited<ReturnType<typeof listNetworks>> = [];
  for (const [i, one] of recipes.entries())
    networks.push(...(await listNetworks(previewRunFolder(one, runs), { cpus: () => threads[i] })));
  const label = ({ run, name }: (typeof networks)[number]) => `${run.recipe.name} ${name}`;
  return [...(await findTwins(networks))].map(([network, twin]) => `${label(network)} < ${label(twin)}`);
}

const same = recipe("same", {});
const different = recipe("different", { pair: { init: "different" } });

it("finds equal networks", async () => {
  expect(await twinsOf([same, different])).toEqual(["different a < same a"]);
  expect(await twinsOf([different, recipe("swapped", { pair: { order_seeds: [7, 5] } })])).toEqual([
    "swapped b < different a",
  ]);
  expect(await twinsOf([same, recipe("slow", { training: { ...training, lr: 0.001 } })])).toEqual([]);
  expect(await twinsOf([same, different], [1, 2])).toEqual([]);
});

it("takes the twin that keeps all checkpoints", async () => {
  const more = recipe("more", { pair: { init: "different" }, training: { ...training, keep_previous: true } });
  expect(await twinsOf([same, more])).toEqual(["same a < more a"]);
  expect(await twinsOf([recipe("second", { measure: { every: 2 } }), different])).toEqual([]);
});

it("finds no twins among clients, whose samples depend on the others", async () => {
  const clients = (name: string, count: number) => recipe(name, { federated: { clients: count } });
  expect(await twinsOf([clients("two", 2), clients("three", 3)])).toEqual([]);
});

it("finds what another command has trained", async () => {
  const stored = await openRunFolder(same, runs);
  await listNetworks(stored, { cpus: () => 1 });
  await stored.close();
  expect(await twinsOf([different])).toEqual([]);
  const folder = join(runs, `same-${recipeHash(same)}`, "a");
  await makeFolder(folder);
  writeFileSync(join(folder, checkpointName(6)), "");
  expect(await twinsOf([different])).toEqual(["different a < same a"]);
});

it("neither links nor resumes a network that was trained on other samples", async () => {
  const other = recipe("other-data", { training: { epochs: 3 } });
  const stored = await openRunFolder(other, runs);
  await stored.remember("data", "somebody else's");
  await expect(listNetworks(stored, { cpus: () => 1 })).rejects.toThrow("are not those that the networks in");
  await stored.close();
  await makeFolder(join(stored.path, "a"));
  writeFileSync(join(stored.path, "a", checkpointName(3)), "");
  expect(await twinsOf([recipe("apart", { pair: { init: "different" }, training: { epochs: 3 } })])).toEqual([]);
});

it("resumes a network only on its first device", async () => {
  const partial = recipe("partial", { training: { epochs: 9 } });
  const stored = await openRunFolder(partial, runs);
  await listNetworks(stored, { cpus: () => 1 });
  await expect(listNetworks(stored, { cpus: () => 1, device: "webgpu" })).rejects.toThrow("Resume with --device cpu");
  for (const name of ["a", "b"]) {
    await makeFolder(join(stored.path, name));
    writeFileSync(join(stored.path, name, checkpointName(9)), "");
  }
  expect(await listNetworks(stored, { cpus: () => 1, device: "webgpu" })).toHaveLength(2); // to be measured on it
  await stored.close();
});
