// Distances of Hugging Face folders, and the check before a merge: against the distances of
// shared/fixtures/huggingface, and on tiny folders made here.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { measure } from "../src/connectivity/index.ts";
import { projectRoot, type Tensor, tensor, toNumbers, UserError } from "../src/core/index.ts";
import { areFolders, compareFolders, comparisonJsonSchema, type FolderComparison } from "../src/distance/index.ts";
import type { JsonObject } from "../src/hub/config.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { tinyLlama, writeModelFolder } from "./model-folder.ts";
import { hasShared, sharedPath } from "./shared.ts";

// counts reads
vi.mock("node:fs/promises", async (original) => {
  const own = await original<typeof import("node:fs/promises")>();
  return { ...own, readFile: vi.fn(own.readFile) };
});

const root = sharedPath("fixtures/huggingface");
const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const checkOf = ({ preflight }: FolderComparison, name: string) => preflight.checks.find((one) => one.name === name)!;

describe.skipIf(!hasShared)(`distances${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  const withTruth = (hasShared ? readdirSync(root) : [])
    .filter((name) => !/-v4$|-bin$|-dora$/.test(name))
    .filter((name) => existsSync(join(root, name, "expected.npz")));

  async function expectDistances(a: string, b: string, variant: string) {
    const { barriers } = read(join(root, variant, "expected.json")) as {
      barriers: { grouping: "block" | "module" | "sublayer"; group: string; distance: number }[];
    };
    for (const grouping of new Set(barriers.map((one) => one.grouping))) {
      const compared = await compareFolders(a, b, { group: grouping === "block" ? undefined : grouping });
      expect(compared.preflight.can_average, compared.preflight.verdict).toBe(true);
      for (const { group, distance } of barriers.filter((one) => one.grouping === grouping)) {
        const found = compared.distance!.layers[group].euclidean;
        expect(Math.abs(found - distance) / (distance || 1), `${group} of ${variant}`).toBeLessThan(1e-6);
      }
    }
  }

  it("have enough variants to compare", () => expect(withTruth.length).toBeGreaterThan(20));

  it.each(withTruth)("equal PyTorch's: %s", (variant) =>
    expectDistances(join(root, variant, "a"), join(root, variant, "b"), variant),
  );

  it.each(["gpt_neox", "llama-yarn", "gemma3", "phi3-long", "smollm3"])(
    "equal PyTorch's with the config keys of transformers 4: %s",
    (variant) => expectDistances(join(root, `${variant}-v4`, "a"), join(root, variant, "b"), variant),
  );

  it("equal PyTorch's from pytorch_model.bin, with names of other versions", () =>
    expectDistances(join(root, "gpt2-bin/a"), join(root, "gpt2/b"), "gpt2"));

  it("need folders that can be read", async () => {
    const { folders } = read(join(root, "refused/expected.json")) as { folders: Record<string, { folder: string }> };
    const refused = Object.entries(folders).filter(([, { folder }]) => folder.startsWith("refused/"));
    expect(refused.length).toBeGreaterThan(30);
    const readable = ["no-tokenizer", "sentencepiece-only", "other-tokenizer", "other-vocabulary"];
    for (const [name, { folder }] of refused) {
      const path = join(root, folder);
      const comparing = compareFolders(path, path);
      if (readable.includes(name)) expect((await comparing).distance!.full.euclidean).toBe(0);
      else if (name.startsWith("right-or-refused")) await comparing.catch((e) => expect(e).toBeInstanceOf(UserError));
      else await expect(comparing, name).rejects.toBeInstanceOf(UserError);
    }
  });

  it("come with a table if the shapes fit, even if they cannot be averaged", async () => {
    const [good, other] = [join(root, "accepted/good-a"), (name: string) => join(root, "refused", name)];
    const vocabulary = await compareFolders(good, other("other-vocabulary"));
    expect(vocabulary.distance).toBeNull();
    expect(vocabulary.preflight.verdict).toBe("These two are not compatible: vocabulary and tokenizer differ.");
    expect(checkOf(vocabulary, "tokenizer").says).toBe(`4 tokens only in b: "w", "x", "y" and 1 more`);
    const tokenizer = await compareFolders(good, other("other-tokenizer"));
    expect(tokenizer.distance!.full.euclidean).toBeGreaterThan(0);
    expect(tokenizer.preflight.verdict).toBe("These two are not compatible: tokenizer differs.");
    expect(checkOf(tokenizer, "tokenizer").says).toBe(`2 tokens with different ids: "one", "two"`);
    const families = await compareFolders(join(root, "llama/a"), join(root, "llama-yarn/b"));
    expect(checkOf(families, "rope").says).toContain("a default, theta 10000; b yarn, theta 200, factor 4");
    expect(checkOf(families, "sizes").says).toBe("a 4 heads of width 8, 2 key-value heads; b 2 heads of width 16");
  });

  it("accept adapters", async () => {
    const { preflight } = await compareFolders(join(root, "llama/a"), join(root, "lora/b"));
    expect(preflight.can_average).toBe(true);
  });
});

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const run = (...words: string[]) =>
  spawnSync(process.execPath, [join(projectRoot, "node_modules/tsx/dist/cli.mjs"), "src/cli/main.ts", ...words], {
    cwd: projectRoot,
    encoding: "utf8",
    env: { ...process.env, COLUMNS: "80" },
  });

/** Compares a with a copy of b in which one file is changed. */
async function compareChanged(file: string, change: (keys: JsonObject) => JsonObject): Promise<FolderComparison> {
  const changed = at("changed");
  rmSync(changed, { recursive: true, force: true });
  cpSync(at("b"), changed, { recursive: true });
  const path = join(changed, file);
  const keys = readdirSync(changed).includes(file) ? read(path) : {};
  writeFileSync(path, JSON.stringify(change(keys)));
  return compareFolders(at("a"), changed);
}

beforeAll(async () => {
  await writeModelFolder(at("a"), 1);
  await writeModelFolder(at("b"), 2);
});
beforeEach(() => {
  vi.mocked(readFile).mockClear();
});

describe("the check before a merge", () => {
  it("finds no difference between two similar folders, and reads every file once", async () => {
    const { preflight, layers, distance } = await compareFolders(at("a"), at("b"));
    expect(preflight.verdict).toBe("These two are compatible.");
    expect(preflight.checks.every(({ status }) => status === "same")).toBe(true);
    expect(layers.map(({ name }) => name)).toEqual(["embeddings", "model.layers.0", "model.layers.1", "norm", "head"]);
    expect(distance!.full.euclidean).toBeGreaterThan(0);
    const readFiles = vi.mocked(readFile).mock.calls.map(([path]) => basename(String(path)));
    for (const name of ["config.json", "tokenizer.json"])
      expect(
        readFiles.filter((one) => one === name),
        name,
      ).toHaveLength(2); // one of each folder
  });

  it("reads a config once, and so does measuring", async () => {
    writeFileSync(at("text.txt"), "The quick brown fox jumps over the lazy dog.\n".repeat(9));
    const data = { name: at("text.txt"), context: 8, samples: 4 };
    await measure({ a: at("a"), b: at("b"), model: {}, data, scans: ["full"] });
    const configs = vi.mocked(readFile).mock.calls.filter(([path]) => basename(String(path)) === "config.json");
    expect(configs).toHaveLength(2);
  });

  it.each<[string, string, JsonObject, string]>([
    ["rope", "config.json", { rope_theta: 500000 }, "a default; b theta 500000"],
    ["rope", "config.json", { rope_scaling: { rope_type: "linear", factor: 2 } }, "a default; b linear, factor 2"],
    ["settings", "config.json", { rms_norm_eps: 1e-5 }, "norm.epsilon 0.000001 and 0.00001"],
    ["settings", "config.json", { hidden_act: "gelu" }, "activation silu and gelu"],
    ["architecture", "config.json", { model_type: "mistral", architectures: ["MistralForCausalLM"] }, "llama (Llama"],
  ])("calls a merge garbage for %s in %s: %j", async (name, file, keys, says) => {
    const compared = await compareChanged(file, (own) => ({ ...own, ...keys }));
    expect(compared.preflight.can_average).toBe(false);
    expect(checkOf(compared, name)).toMatchObject({ status: "different", garbage: true });
    expect(checkOf(compared, name).says).toContain(says);
    expect(compared.distance).not.toBeNull(); // the shapes are the same
  });

  it.each<[string, string, JsonObject, string]>([
    ["context", "config.json", { max_position_embeddings: 128 }, "64 and 128"],
    [
      "architecture",
      "config.json",
      { architectures: ["LlamaModel"] },
      "llama (LlamaForCausalLM) and llama (LlamaModel)",
    ],
    ["chat template", "tokenizer_config.json", { chat_template: "{{ x }}" }, "only b has one"],
    ["special tokens", "tokenizer_config.json", { eos_token: "a" }, "eos unset and eos a"],
    ["generation config", "generation_config.json", { eos_token_id: 3 }, "only b has one"],
    [
      "tokenizer",
      "tokenizer.json",
      { post_processor: { type: "BertProcessing", sep: ["a", 97], cls: ["b", 98] } },
      "different post_processor",
    ],
  ])("only notes %s in %s: %j", async (name, file, keys, says) => {
    const compared = await compareChanged(file, (own) => ({ ...own, ...keys }));
    expect(compared.preflight.can_average).toBe(true);
    expect(checkOf(compared, name)).toMatchObject({ garbage: false });
    expect(checkOf(compared, name).status).not.toBe("same");
    expect(checkOf(compared, name).says).toContain(says);
  });

  it("finds different tokenisation rules, but ignores the form of merges", async () => {
    const merged = (merges: JsonObject["merges"]) => (own: JsonObject) => ({
      ...own,
      model: { ...(own.model as JsonObject), merges },
    });
    const other = await compareChanged("tokenizer.json", merged(["a b"]));
    expect(checkOf(other, "tokenizer")).toMatchObject({ garbage: true, says: "different model.merges" });
    cpSync(at("changed"), at("joined"), { recursive: true });
    await compareChanged("tokenizer.json", merged([["a", "b"]]));
    expect(checkOf(await compareFolders(at("joined"), at("changed")), "tokenizer").status).toBe("same");
  });

  it("finds different ties and dtypes", async () => {
    const tied = { ...tinyLlama, tie_word_embeddings: true };
    const same = (name: string, own: Tensor) => (/lm_head|embed/.test(name) ? tensor("float32", own.shape) : own);
    await writeModelFolder(at("tied"), 3, same, tied);
    expect(checkOf(await compareFolders(at("a"), at("tied")), "ties")).toMatchObject({
      garbage: true,
      says: "untied head and head tied to the embedding",
    });
    const ends = { a: at("a"), b: at("tied"), data: { name: "text.txt" }, model: {}, scans: ["full" as const] };
    await expect(measure(ends)).rejects.toThrow(
      `${at("tied")} ties its head to its embedding, and ${at("a")} does not. Untie the first in Python`,
    );
    await writeModelFolder(at("half"), 3, (_, own) => tensor("float64", own.shape, [...toNumbers(own)]));
    const compared = await compareFolders(at("a"), at("half"));
    expect(checkOf(compared, "dtype")).toMatchObject({
      garbage: false,
      says: "float32 and float64; a merge keeps a's",
    });
    expect(compared.preflight.verdict).toBe("These two are compatible; dtype differs.");
  });

  it("reports a missing tokenizer", async () => {
    await writeModelFolder(at("bare"), 3);
    rmSync(at("bare/tokenizer.json"));
    const { preflight } = await compareFolders(at("a"), at("bare"));
    expect(preflight.verdict).toBe("These two are compatible if they have the same tokenizer.");
  });
});

describe("distance on folders", () => {
  it("is a table with the same words as CSV", () => {
    const { stdout } = run("distance", at("a"), at("b"), "--quiet", "--csv");
    expect(stdout.split("\n")[0]).toBe("layer,parameters,distance,relative,cosine");
  });

  it("prints the check above the table, in 80 columns, with exit status 0", () => {
    const { stdout, status } = run("distance", at("a"), at("b"), "--quiet");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^These two are compatible\.\n\n✓ architecture {7}same: llama \(LlamaForCausalLM\)\n/);
    expect(stdout).toContain("\n\nlayer ");
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("prints only the check if the sizes differ, with exit status 1", async () => {
    await writeModelFolder(at("wide"), 3, undefined, { ...tinyLlama, intermediate_size: 32 });
    const { stdout, stderr, status } = run("distance", at("a"), at("wide"), "--quiet");
    expect([status, stderr]).toEqual([1, ""]);
    expect(stdout).toContain("These two are not compatible: sizes differ.");
    expect(stdout).toContain("✗ sizes              different: a MLP 24; b MLP 32\n");
    expect(stdout).not.toContain("layer ");
    const json = run("distance", at("a"), at("wide"), "--quiet", "--json");
    expect(json.status).toBe(1);
    const document = JSON.parse(json.stdout);
    expect(document).toMatchObject({ layers: [], distance: null, preflight: { can_average: false } });
    z.fromJSONSchema(comparisonJsonSchema() as never).parse(document);
  });

  it("matches its schema, which other documents do not match", async () => {
    const schema = z.fromJSONSchema(comparisonJsonSchema() as never);
    const document = JSON.parse(JSON.stringify(await compareFolders(at("a"), at("b"), { init: at("a") })));
    expect(document.distance.from_init.a.full.euclidean).toBe(0);
    schema.parse(document);
    expect(schema.safeParse({ ...document, preflight: {} }).success).toBe(false);
  });

  it("accepts two folders or two files, and an initialisation of the same network", async () => {
    expect(areFolders(at("a/model.safetensors"), at("b/model.safetensors"))).toBe(false);
    expect(() => areFolders(at("a"), at("b/model.safetensors"))).toThrow("is a model folder, but");
    await writeModelFolder(at("small"), 3, undefined, { ...tinyLlama, num_hidden_layers: 1 });
    await expect(compareFolders(at("a"), at("b"), { init: at("small") })).rejects.toThrow("is a different network");
  });
});

it("two folders with different longest texts are one network, measured on texts that both can read", async () => {
  await writeModelFolder(at("long"), 2, undefined, { ...tinyLlama, max_position_embeddings: 128 });
  const data = { name: at("text.txt"), samples: 2 };
  const measured = (b: string) => measure({ a: at("a"), b: at(b), model: {}, data, scans: ["full"] });
  const [one, other] = [(await measured("b")).document, (await measured("long")).document];
  expect(other.cells).toEqual(one.cells);
  expect(other.model.task).toContain("in windows of 64");
});
