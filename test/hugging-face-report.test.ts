// The report of a measurement of language models: perplexities, the task, and pages and terminals with decoders of 12
// and 30 blocks.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { showMeasurement } from "../src/cli/terminal/summary.ts";
import {
  encodeMeasurement,
  type Measurement,
  type MeasureOptions,
  measure,
  parseMeasurement,
  parseScans,
} from "../src/connectivity/index.ts";
import { renderMeasurement, renderRun } from "../src/report/index.ts";
import { joinNames } from "../src/report/page.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { tinyLlama, writeModelFolder } from "./model-folder.ts";
import { hasShared, sharedPath } from "./shared.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const measured = async (blocks: number, options: Partial<MeasureOptions> = {}): Promise<Measurement> =>
  (
    await measure({
      a: at(`a${blocks}`),
      b: at(`b${blocks}`),
      model: {},
      data: { name: at("text.txt"), context: 16, samples: 4 },
      scans: parseScans("single,full"),
      ...options,
    })
  ).document;

beforeAll(async () => {
  writeFileSync(at("text.txt"), "The quick brown fox jumps over the lazy dog; naïve cafés are 日本語.\n".repeat(9));
  for (const blocks of [2, 12, 30])
    for (const [seed, end] of ["a", "b"].entries())
      await writeModelFolder(at(`${end}${blocks}`), seed, undefined, { ...tinyLlama, num_hidden_layers: blocks });
});

describe("perplexity", () => {
  it("is the exponential of every loss, of the ends and of the cells", async () => {
    const { ends, cells } = await measured(2);
    for (const { loss, perplexity } of Object.values(ends)) expect(perplexity).toBe(Math.exp(loss!));
    expect(cells.length).toBeGreaterThan(10);
    for (const { loss, perplexity } of cells) expect(perplexity).toBe(Math.exp(loss!.value!));
  });

  it.skipIf(!hasShared)(`equals transformers' ${hasShared ? "" : "(skipped: ../shared is missing)"}`, async () => {
    const root = sharedPath("fixtures/huggingface/llama");
    const { context, windows, ends, full } = JSON.parse(readFileSync(join(root, "expected.json"), "utf8"));
    const data = { name: sharedPath("data/shakespeare/input.txt"), context, samples: windows };
    const [a, b] = ["a", "b"].map((end) => join(root, end));
    const { document } = await measure({ a, b, model: {}, data, scans: parseScans("full") });
    const close = (found: number | null | undefined, loss: number) =>
      expect(Math.abs(found! / Math.exp(loss) - 1)).toBeLessThan(2e-6);
    close(document.ends.a.perplexity, ends.a.loss);
    close(document.ends.b.perplexity, ends.b.loss);
    close(document.cells[0].perplexity, full.loss);
  });

  it("is stored and read again; documents without it do not change", async () => {
    const stored = JSON.stringify(encodeMeasurement(await measured(2)));
    expect(JSON.stringify(encodeMeasurement(parseMeasurement(JSON.parse(stored), "x")))).toBe(stored);
    const old = stored.replaceAll(/"perplexity":[^,}]+,/g, "").replaceAll(/,"perplexity":[^,}]+/g, "");
    expect(old).not.toContain("perplexity");
    const read = parseMeasurement(JSON.parse(old), "x");
    expect(JSON.stringify(encodeMeasurement(read))).toBe(old);
    const { html, csv } = renderMeasurement(read);
    expect(html + csv + showMeasurement(read, "x")).not.toContain("erplexity");
  });

  it("is not reported if only the error was measured", async () => {
    const document = await measured(2, { metrics: ["error"] });
    expect(JSON.stringify(encodeMeasurement(document))).not.toContain("perplexity");
  });

  it("is reported in the terminal, on the page and in the table", async () => {
    const document = await measured(2);
    const { a, b } = document.ends;
    const text = showMeasurement(document, "x");
    expect(text).toContain(
      `End a: loss ${a.loss!.toFixed(4)} nats per token, perplexity ${Number(a.perplexity!.toPrecision(4))}, next-token error ${a.error!.toFixed(1)} %.`,
    );
    expect(text).toMatch(/^Averaging all layers: [^\n]+ points,\s+perplexity [\d.]+\./m);
    expect(text).toMatch(/text\.txt,\s+mean\s+over/); // a single file has no splits
    const ofFolder = { ...document, data: { ...document.data, name: "texts" } };
    expect(showMeasurement(ofFolder, "x")).toMatch(/texts\s\(test\),\s/);
    const { html, csv } = renderMeasurement(document);
    for (const part of [
      "Loss barrier (nats per token, mean over both bases)",
      "points of next-token error",
      "<th>perplexity</th><th>next-token error %</th>",
      `; ends ${Number(a.perplexity!.toPrecision(4))} and ${Number(b.perplexity!.toPrecision(4))})`,
      "perplexity of ends a · b",
    ])
      expect(html).toContain(part);
    const [head, first] = csv.split("\n").map((line) => line.split(","));
    expect(first[head.indexOf("perplexity")]).toBe(String(document.cells[0].perplexity));
  });
});

describe.each([12, 30])("a decoder of %i blocks", (blocks) => {
  let document: Measurement;
  beforeAll(async () => {
    const full = await measured(blocks, { scans: parseScans("full") });
    const single = full.layers.map(({ name }, i) => ({
      ...full.cells[0],
      scan: "single",
      layer: name,
      averaged: [name],
      base: "a" as const,
      // made up, for drawing
      loss: { value: 5, barrier: i / 100, interval: [i / 100 - 0.1, i / 100 + 0.1] as [number, number] },
    }));
    document = { ...full, cells: [...single, ...full.cells] };
  });

  it("fits into 80 columns, with the names of its blocks", () => {
    const lines = showMeasurement(document, "runs/x").split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.filter((line) => /^ *model\.layers\.\d+ /.test(line))).toHaveLength(blocks);
    const renamed = (name: string | null) =>
      name && `the_model_that_holds_it.${name}.post_attention_layernorm_of_the_block`;
    const long = showMeasurement(
      {
        ...document,
        layers: document.layers.map((layer) => ({ ...layer, name: renamed(layer.name)! })),
        cells: document.cells.map((cell) => ({ ...cell, layer: renamed(cell.layer) })),
      },
      "runs/x",
    );
    expect(long.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("has a page with the task, and pictures with room for names", () => {
    const { html, figures } = renderMeasurement(document);
    const task = "task: the next token, of 256, in windows of 16";
    expect(html).toContain(`llama on the first 4 windows of ${at("text.txt")} · ${task}`);
    const svg = figures["single-loss"];
    const rows = [...svg.matchAll(/<text class="axis" x="([\d.]+)" y="([\d.]+)" text-anchor="end">([^<]+)</g)];
    expect(rows.map(([, , , name]) => name)).toEqual(document.layers.map(({ name }) => name));
    for (const [, x, , name] of rows) expect(Number(x)).toBeGreaterThan(6.2 * name.length);
    const gaps = rows.slice(1).map(([, , y], i) => Number(y) - Number(rows[i][2]));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(12); // lines of 11 pixels
    const run = renderRun({
      name: "text",
      hash: "0",
      recipe: {},
      unit: "epoch",
      log: [],
      measurements: [1, 2].map((epoch) => ({ epoch, split: "test" as const, document })),
    });
    expect(run.html).toContain(`4 test windows · ${task} · run 0`);
  });
});

it("a long list of blocks is abbreviated to ranges", () => {
  expect(joinNames(["embeddings", "h.0", "h.1", "h.2", "h.4", "h.5", "norm"])).toBe(
    "embeddings, h.0–2, h.4, h.5, norm",
  );
  expect(joinNames(["h.9", "h.10", "h.11", "g.12", "h.013", "h.14"])).toBe("h.9–11, g.12, h.013, h.14");
  expect(joinNames([])).toBe("");
});
