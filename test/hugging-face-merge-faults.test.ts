// Merges of Hugging Face folders that are impossible, or that fail: one sentence, nothing left behind, existing files
// unchanged.
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { open } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readMergekitAlphas } from "../src/hub/index.ts";
import { type MergeOptions, merge } from "../src/merging/index.ts";
import { readTensors, temporaryFolder, writeTensors } from "./checkpoints.ts";
import { tinyLlama, twoFolders, writeModelFolder } from "./model-folder.ts";

/** Replaces a write in a test; undefined changes nothing. */
const disk = vi.hoisted(() => ({ onWrite: undefined as (() => void) | undefined }));
vi.mock("node:fs/promises", async (importOriginal) => {
  const own = await importOriginal<typeof import("node:fs/promises")>();
  const disturbed: typeof open = async (path, ...rest) => {
    const handle = await own.open(path, ...rest);
    for (const way of ["write", "writeFile"] as const) {
      const write = handle[way] as (...args: unknown[]) => Promise<unknown>;
      Object.assign(handle, {
        [way]: async (...args: unknown[]) => {
          disk.onWrite?.();
          return write.apply(handle, args);
        },
      });
    }
    return handle;
  };
  return { ...own, open: disturbed };
});
afterEach(() => {
  disk.onWrite = undefined;
});

describe("an impossible merge", () => {
  /** Expects that the folder with the ends has not changed. */
  async function refuses(options: MergeOptions, message: string | RegExp) {
    const within = join(options.a, "..");
    const before = readdirSync(within, { recursive: true }).sort();
    await expect(merge(options)).rejects.toThrow(message);
    expect(readdirSync(within, { recursive: true }).sort()).toEqual(before);
  }

  it("of a folder and a file says what each is, unless they hold the same tensors", async () => {
    const { a, b, out } = await twoFolders(temporaryFolder());
    const file = join(import.meta.dirname, "../docs/examples/rings-a.safetensors");
    const sentence = `${a} is a Hugging Face folder, but ${file} is a single file, and they have no tensor in common. Give two folders, or two files of one network.`;
    await refuses({ a, b: file, out }, sentence);
    await expect(merge({ a: file, b: a, out })).rejects.toThrow(sentence);
    const record = await merge({ a, b: join(b, "model.safetensors"), out: `${out}.safetensors` });
    expect(record.kept).toEqual([]);
  });

  it("leaves nothing behind if the disk is full, and existing files unchanged", async () => {
    const { a, b, out } = await twoFolders(temporaryFolder());
    let left = 0;
    disk.onWrite = () => {
      if (left-- <= 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    };
    const files = [
      "model.safetensors",
      "config.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "README.md",
      "merge.json",
    ];
    for (const [i, file] of files.entries()) {
      left = i;
      await refuses({ a, b, out }, `Cannot write ${out}/${file}: the disk is full.`);
    }
    left = files.length;
    await merge({ a, b, out });
    const before = readFileSync(join(out, "model.safetensors"));
    left = 1;
    await refuses({ a, b, out, alpha: 0.25 }, "the disk is full");
    expect(readFileSync(join(out, "model.safetensors"))).toEqual(before);
  });

  it("leaves nothing behind if a file changes while it is read", async () => {
    const { a, b, out } = await twoFolders(temporaryFolder());
    for (const [end, file] of [
      [a, "model.safetensors"],
      [b, "model.safetensors"],
    ]) {
      let isFirst = true;
      disk.onWrite = () => {
        if (isFirst) appendFileSync(join(end, file), "x");
        isFirst = false;
      };
      await refuses({ a, b, out }, `${join(end, file)} changed while it was read.`);
      disk.onWrite = undefined;
      await writeModelFolder(end, end === a ? 1 : 2);
    }
  });

  it("names the end with NaN", async () => {
    const within = temporaryFolder();
    const { a, out } = await twoFolders(within);
    const b = await writeModelFolder(join(within, "nan"), 3, (name, value) => {
      if (name === "model.norm.weight") (value.data as Float32Array)[0] = Number.NaN;
      return value;
    });
    await refuses({ a, b, out }, /nan\/model.safetensors contains NaN or infinite weights in model.norm.weight/);
    await merge({ a, b, out, allowNonfinite: true });
  });

  it("does not write a folder with the names of a wrapper, which from_pretrained does not find", async () => {
    const { a, b, out } = await twoFolders(temporaryFolder());
    const path = join(a, "model.safetensors");
    const tensors = await readTensors(path);
    await writeTensors(path, "safetensors", new Map([...tensors].map(([name, one]) => [`_orig_mod.${name}`, one])));
    const fault = /model\.safetensors was saved with its wrapper \(_orig_mod\.\S+\), so from_pretrained does not find/;
    await refuses({ a, b, out }, fault);
    expect((await merge({ a: b, b: a, out })).notes?.join()).toMatch(fault);
    expect([...(await readTensors(join(out, "model.safetensors"))).keys()].sort()).toEqual([...tensors.keys()].sort());
  });

  it("does not average folders with different tokens, or different networks", async () => {
    const within = temporaryFolder();
    const { a, b, out } = await twoFolders(within);
    const tokenizer = JSON.parse(readFileSync(join(b, "tokenizer.json"), "utf8"));
    const other = join(within, "other");
    cpSync(b, other, { recursive: true });
    const swapped = { ...tokenizer.model.vocab, a: tokenizer.model.vocab.b, b: tokenizer.model.vocab.a };
    const write = (change: object) =>
      writeFileSync(join(other, "tokenizer.json"), JSON.stringify({ ...tokenizer, ...change }));
    write({ model: { ...tokenizer.model, vocab: swapped } });
    await refuses(
      { a, b: other, out },
      `have different tokenizers (tokenizer.json: 2 tokens with different ids: "a", "b")`,
    );
    write({ truncation: { max_length: 8 }, post_processor: null, decoder: null });
    expect((await merge({ a, b: other, out })).notes).toBeUndefined();
    const none = join(within, "none");
    cpSync(b, none, { recursive: true, filter: (path) => !path.endsWith("tokenizer.json") });
    expect((await merge({ a, b: none, out })).notes).toEqual([
      `The tokenizers of ${a} and ${none} could not be compared: the folders have different tokenizer files.`,
    ]);
    const longer = await writeModelFolder(join(within, "longer"), 2, undefined, { ...tinyLlama, num_hidden_layers: 3 });
    await refuses({ a, b: longer, out }, "are different networks: blocks is 2 and 3");
  });

  it("never overwrites an end, or files that no merge has written", async () => {
    const within = temporaryFolder();
    const { a, b, out } = await twoFolders(within);
    symlinkSync(a, join(within, "link"));
    await refuses({ a, b, out: a }, `${a} is ${a}, one of the two ends.`);
    await refuses({ a, b, out: join(b, "merged") }, `is in ${b}, one of the two ends.`);
    await refuses({ a, b, out: join(within, "link", "new", "merged") }, `is in ${a}, one of the two ends.`);
    await refuses({ a, b, out: within }, "contains files that merge did not write: a/config.json, a/model.safetensors");
    await refuses({ a, b, out: join(a, "config.json") }, "is the name of a JSON file");
    writeFileSync(join(within, "file"), "");
    await refuses({ a, b, out: join(within, "file") }, "is a file. Give --out the name of a folder.");
    await refuses({ a, b, out, mergekit: join(out, "merge.yaml") }, "is in the merged folder");
    await refuses(
      { a, b, out: join(within, "x.safetensors"), mergekit: "m.yaml" },
      "--mergekit is for Hugging Face folders",
    );
    mkdirSync(out); // an empty folder is accepted
    await merge({ a, b, out });
    await merge({ a, b, out, alpha: 0.25 }); // and one written by a merge
    expect(JSON.parse(readFileSync(join(out, "merge.json"), "utf8")).averaged.norm).toBe(0.25);
    writeFileSync(join(out, "mine.txt"), "");
    await refuses({ a, b, out }, "merge did not write: mine.txt.");
    expect(existsSync(join(out, "mine.txt"))).toBe(true);
  });

  it("reports faults of a mergekit configuration", async () => {
    const within = temporaryFolder();
    const { a } = await twoFolders(within);
    const yaml = join(within, "m.yaml");
    const fails = async (b: string, says: string) => {
      writeFileSync(yaml, `merge_method: linear\nmodels: [{model: ${a}}, {model: ${b}}]\nparameters: {weight: 1}\n`);
      await expect(readMergekitAlphas(yaml, {})).rejects.toThrow(says);
    };
    await fails("nosuch", "names nosuch, which is neither a folder (paths are relative to the working directory)");
    await fails(`${a}+lora`, `applies an adapter to ${a}.`);
    await expect(readMergekitAlphas(join(within, "no.yaml"), {})).rejects.toThrow("there is no such file");
  });
});
