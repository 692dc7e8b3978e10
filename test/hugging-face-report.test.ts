// What a measurement of language models reports: perplexities.
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
import { renderMeasurement } from "../src/report/index.ts";
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
  for (const blocks of [2])
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

  it("is stored, read again, and absent from documents without it, which stay as they are", async () => {
    const stored = JSON.stringify(encodeMeasurement(await measured(2)));
    expect(JSON.stringify(encodeMeasurement(parseMeasurement(JSON.parse(stored), "x")))).toBe(stored);
    const old = stored.replaceAll(/"perplexity":[^,}]+,/g, "").replaceAll(/,"perplexity":[^,}]+/g, "");
    expect(old).not.toContain("perplexity");
    const read = parseMeasurement(JSON.parse(old), "x");
    expect(JSON.stringify(encodeMeasurement(read))).toBe(old);
    const { html, csv } = renderMeasurement(read);
    expect(html + csv + showMeasurement(read, "x")).not.toContain("erplexity");
  });

  it("is not told where only the error was measured", async () => {
    const document = await measured(2, { metrics: ["error"] });
    expect(JSON.stringify(encodeMeasurement(document))).not.toContain("perplexity");
  });

  it("is told in the terminal, on the page and in the table", async () => {
    const document = await measured(2);
    const { a, b } = document.ends;
    const text = showMeasurement(document, "x");
    expect(text).toContain(
      `End a: loss ${a.loss!.toFixed(4)} nats per token, perplexity ${Number(a.perplexity!.toPrecision(4))}, next-token error ${a.error!.toFixed(1)} %.`,
    );
    expect(text).toMatch(/^Averaging all layers: [^\n]+ points,\s+perplexity [\d.]+\./m);
    const { html, csv } = renderMeasurement(document);
    for (const told of [
      "Loss barrier (nats per token, mean over both bases)",
      "points of next-token error",
      "<th>perplexity</th><th>next-token error %</th>",
      `, of the ends ${Number(a.perplexity!.toPrecision(4))} and ${Number(b.perplexity!.toPrecision(4))})`,
      "perplexity of the ends a · b",
    ])
      expect(html).toContain(told);
    const [head, first] = csv.split("\n").map((line) => line.split(","));
    expect(first[head.indexOf("perplexity")]).toBe(String(document.cells[0].perplexity));
  });
});
