import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/checkpoints.ts";
import { cacheFolder, findModel } from "./cache.ts";

function makeCache(): string {
  const cache = temporaryFolder();
  const model = join(cache, "models--org--model");
  for (const commit of ["aaa111", "bbb222"]) mkdirSync(join(model, "snapshots", commit), { recursive: true });
  mkdirSync(join(model, "refs"));
  writeFileSync(join(model, "refs/main"), "aaa111\n");
  writeFileSync(join(model, "refs/step1000"), "bbb222");
  return cache;
}

describe("the Hugging Face cache", () => {
  it("is in the same place as for the Python tools", () => {
    expect(cacheFolder({ HF_HUB_CACHE: "/hub", HF_HOME: "/hf" })).toBe("/hub");
    expect(cacheFolder({ HF_HOME: "/hf" })).toBe("/hf/hub");
    expect(cacheFolder({ XDG_CACHE_HOME: "/cache" })).toBe("/cache/huggingface/hub");
  });

  it("finds a snapshot by branch, by commit, or by the start of a commit", () => {
    const cache = makeCache();
    const snapshots = join(cache, "models--org--model/snapshots");
    expect(findModel("org/model", cache)).toBe(join(snapshots, "aaa111"));
    expect(findModel("org/model@step1000", cache)).toBe(join(snapshots, "bbb222"));
    expect(findModel("org/model@bbb", cache)).toBe(join(snapshots, "bbb222"));
  });

  it("does not change paths", () => {
    const cache = makeCache();
    for (const path of [cache, "./org/model", "/org/model", "../model", "a.safetensors", "runs/x/y", "runs/a.onnx"])
      expect(findModel(path, cache)).toBe(path);
  });

  it("names the command that downloads a missing model", () => {
    const cache = makeCache();
    expect(() => findModel("org/other", cache)).toThrow("hf download org/other");
    expect(() => findModel("org/model@v2", cache)).toThrow("hf download org/model --revision v2");
  });
});
