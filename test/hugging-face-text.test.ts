// Texts and tokenizers against the Python libraries: streams, labels, losses of windows, and 42 awkward strings
// (shared/fixtures/huggingface).
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { readDocuments } from "../src/data/index.ts";
import { encodeDocuments } from "../src/hub/text/stream.ts";
import { readTokenizer } from "../src/hub/text/tokenizer.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { hasShared, sharedPath } from "./shared.ts";

const root = sharedPath("fixtures/huggingface");
interface Stream {
  readonly ids: number[];
  readonly labels: number[];
  readonly windows: number;
  readonly a?: { readonly loss: number; readonly error: number };
}
interface Strings {
  readonly strings: string[];
  readonly tokenizers: Readonly<Record<string, { readonly ids: number[][]; readonly ids_with_special: number[][] }>>;
}
const read = (path: string) =>
  hasShared ? JSON.parse(readFileSync(join(root, path), "utf8")) : { inputs: {}, tokenizers: {} };
const inputs: [string, Record<string, Stream>][] = Object.entries(read("text/expected.json").inputs);
const { strings, tokenizers }: Strings = read("tokenizers/expected.json");

describe.skipIf(!hasShared)(`texts${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  for (const [input, by] of inputs)
    for (const [name, wanted] of Object.entries(by))
      it(`are the same tokens and labels as in Python: ${input}, ${name}`, async () => {
        const tokenizer = await readTokenizer(join(root, "text", name === "model" ? "model/a" : name));
        const { ids, labels } = await encodeDocuments(readDocuments(join(root, "text", input)), tokenizer);
        expect([...ids]).toEqual(wanted.ids);
        expect([...labels]).toEqual(wanted.labels.slice(0, labels.length));
      });

  for (const [input, { model }] of inputs.filter(([, { model }]) => model?.a && model.windows > 0))
    it(`have the losses of transformers: ${input}`, async () => {
      const [a, b] = ["a", "b"].map((end) => join(root, "text/model", end));
      const [name, split] = input.startsWith("splits/")
        ? [join(root, "text/splits"), input.replace(/^splits\/|\.jsonl$/g, "")]
        : [join(root, "text", input), undefined];
      const data = { name, split: split as "test", context: 16 };
      const { document } = await measure({ a, b, model: {}, data, scans: ["full"] });
      expect(document.data.samples).toBe(model.windows);
      expect(Math.abs(document.ends.a.loss! - model.a!.loss)).toBeLessThan(2e-6);
      expect(Math.abs(document.ends.a.error! - model.a!.error)).toBeLessThan(1);
    });

  it("have the same chat template in the form of version 4", async () => {
    const [one, other] = await Promise.all(
      ["model/a", "tokenizer-v4"].map((name) => readTokenizer(join(root, "text", name))),
    );
    const messages = [
      { role: "user", content: "Who are you?" },
      { role: "assistant", content: " Nobody. " },
    ];
    expect(one.sha256).toBe(other.sha256);
    expect(one.render(messages, true)).toBe(other.render(messages, true));
    expect(one.render(messages, false)).toContain("<|im_start|>assistant\nNobody.<|im_end|>");
  });

  for (const [name, wanted] of Object.entries(tokenizers))
    it(`are the same ids as in Python, for any string: ${name}`, async () => {
      const folder = temporaryFolder();
      mkdirSync(folder, { recursive: true });
      cpSync(join(root, "tokenizers", `${name}.json`), join(folder, "tokenizer.json"));
      const { encode } = await readTokenizer(folder);
      for (const [i, text] of strings.entries()) {
        expect([text, ...encode(text, false)]).toEqual([text, ...wanted.ids[i]]);
        expect([text, ...encode(text, true)]).toEqual([text, ...wanted.ids_with_special[i]]);
      }
    });
});
