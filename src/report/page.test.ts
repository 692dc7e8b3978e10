// The report, also in a real browser: nothing is logged, cells show their values, switches recolour. The browser tests
// are skipped without Chromium.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Measurement } from "../connectivity/index.ts";
import { short, signed } from "../core/index.ts";
import {
  cellsParquet,
  describeFinding,
  pngOf,
  renderMeasurement,
  renderOverview,
  renderRun,
  verdictOf,
} from "./index.ts";
import { colourOf } from "./pictures/scale.ts";

const layers = ["conv1", "layer1.conv1", '<img src=x onerror="document.title=1">', "fc"];
const barrier = (epoch: number, i: number, scan: string) =>
  (scan === "single" ? 0.002 * epoch * (4 - i) : 0.02 * epoch * (4 - i)) - 0.01;

/** A measurement with made-up numbers, for drawing only. */
function made(epoch: number, split: "train" | "test"): Measurement {
  const cell = (scan: string, layer: string | null, base: "a" | "b" | null, value: number) => ({
    scan,
    layer,
    averaged: layer ? [layer] : layers,
    base,
    alpha: 0.5,
    loss: { value: 1 + value, barrier: value, interval: [value - 0.02, value + 0.02] as [number, number] },
    error: {
      value: 40 + 30 * value,
      barrier: 30 * value,
      interval: [30 * value - 2, 30 * value + 2] as [number, number],
    },
  });
  const distances = {
    full: { euclidean: epoch, cosine: 0.9 },
    layers: Object.fromEntries(layers.map((l) => [l, { euclidean: epoch / 2, cosine: null }])),
  };
  return {
    schema: "layerwise/measure@1",
    a: { path: "a.pt", sha256: "0".repeat(64) },
    b: { path: "b.pt", sha256: "1".repeat(64) },
    model: { name: "resnet18-nonorm", width: 16 },
    data: { name: "cifar10-half", split, samples: 500, sha256: "2".repeat(64) },
    layers: layers.map((name) => ({ name, parameters: [`${name}.weight`], size: 10 })),
    ends: { a: { loss: 1, error: 40 }, b: { loss: 1, error: 40 } },
    cells: [
      ...["single", "deep"].flatMap((scan) =>
        layers.flatMap((layer, i) =>
          (["a", "b"] as const).map((base) => cell(scan, layer, base, barrier(epoch, i, scan))),
        ),
      ),
      cell("full", null, null, 0.1 * epoch),
    ],
    distance: { ...distances, from_init: { a: distances, b: distances } },
    verdict: { average: ["fc"], keep: ["conv1"], undecided: [], reason: "Made up." },
  };
}

const run = {
  name: "made-up",
  hash: "0123456789",
  recipe: { name: "made-up", training: { epochs: 10 } },
  unit: "epoch" as const,
  log: [1, 5, 10].flatMap((epoch) =>
    ["a", "b"].map((network) => ({ network, epoch, loss: 2 / epoch, error: 50, rate: 0.05, seconds: 1 })),
  ),
  measurements: [0, 5, 10].flatMap((epoch) =>
    (["train", "test"] as const).map((split) => ({ epoch, split, document: made(epoch, split) })),
  ),
};

describe("the colour scale", () => {
  it("is centred on zero and ends at the limit", () => {
    expect(colourOf(0, 2)).toEqual([247, 247, 247]);
    expect(colourOf(2, 2)).toEqual(colourOf(9, 2));
    expect(colourOf(-1, 2)[2]).toBeGreaterThan(colourOf(-1, 2)[0]); // blue is better
    expect([short(1.61), short(0.524), short(-0.031), short(0.001), short(67.2), short(null)]).toEqual([
      "+1.6",
      "+.52",
      "−.03",
      ".00",
      "+67",
      "∞",
    ]);
    expect([signed(-0.5), signed(0.001), signed(null)]).toEqual(["−0.50", "0.00", "not finite"]);
  });
});

describe("the pictures", () => {
  it("are these", async () => {
    const { figures, csv } = renderRun(run);
    expect(Object.keys(figures)).toEqual([
      "single",
      "deep",
      "full-loss",
      "full-error",
      "ends",
      "euclidean",
      "cosine",
      "training",
    ]);
    await expect(figures.single).toMatchFileSnapshot("../../test/snapshots/heatmap.svg");
    await expect(figures["full-loss"]).toMatchFileSnapshot("../../test/snapshots/curves.svg");
    await expect(renderMeasurement(made(10, "train")).figures["single-loss"]).toMatchFileSnapshot(
      "../../test/snapshots/whiskers.svg",
    );
    expect(csv.trim().split("\n").length).toBe(1 + 6 * 17);
  });

  it("compare random steps with averages by their medians over the layers, each a mean over the bases", () => {
    const document = made(10, "train");
    const cells = document.cells.map((cell) => ({
      ...cell,
      baseline: {
        loss: { barrier: cell.layer === "fc" ? null : cell.base === "a" ? 1 : 3, draws: [] },
        error: { barrier: 0, draws: [] },
      },
    }));
    const { html } = renderMeasurement({ ...document, cells });
    expect(html).toContain("loss barrier: +0.040 for the average, +2.000 for a random step of the same norm.");
  });

  it("name the largest barrier at another alpha, where it is larger", () => {
    const document = made(10, "train");
    const scaled = (alpha: number, factor: number) =>
      document.cells.map((cell) => ({
        ...cell,
        alpha,
        loss: { ...cell.loss!, barrier: factor * cell.loss!.barrier! },
      }));
    const finding = (...cells: Measurement["cells"][]) =>
      describeFinding({ ...document, cells: [...document.cells, ...cells.flat()] });
    expect(finding(scaled(0.3, 0.5), scaled(0.7, 2), scaled(0.9, 1.5))).toEqual([
      "Averaging all layers at alpha 0.5: loss barrier +1.000, error barrier +30.0 points; largest loss barrier at alpha 0.7: +2.000.",
      "Averaging one layer: median +0.040, largest +0.070 (conv1); at alpha 0.7 +0.140.",
    ]);
    expect(finding(scaled(0.3, 0.5))).toEqual([
      "Averaging all layers at alpha 0.5: loss barrier +1.000, error barrier +30.0 points.",
      "Averaging one layer: median +0.040, largest +0.070 (conv1).",
    ]);
  });

  it("are in the columns of their epochs, even if a split lacks one; the samples of each split are shown", () => {
    const lacking = run.measurements
      .filter(({ epoch, split }) => split === "train" || epoch !== 5)
      .map((m) =>
        m.split === "train" ? m : { ...m, document: { ...m.document, data: { ...m.document.data, samples: 70 } } },
      );
    const { html } = renderRun({ ...run, measurements: lacking });
    const { scans } = JSON.parse(/id="cells">(.*?)<\/script>/.exec(html)![1]);
    const [first] = scans.single["loss test mean"];
    expect(first.map((cell: number[] | null) => cell?.[0] ?? null)).toEqual([
      scans.single["loss train mean"][0][0][0],
      null,
      scans.single["loss train mean"][0][2][0],
    ]);
    expect(html).toContain("measured on the first 500 train and 70 test samples");
  });

  it("are the same pixels everywhere, as PNG", async () => {
    const png = await pngOf(renderRun(run).figures.single);
    expect(Buffer.from(png.subarray(0, 8)).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
    const width = new DataView(png.buffer, png.byteOffset).getUint32(16);
    expect(width).toBe(2 * Number(/viewBox="0 0 (\d+)/.exec(renderRun(run).figures.single)![1]));
    expect(await pngOf(renderRun(run).figures.single)).toEqual(png);
  });

  it("have all cells as Parquet, with the layer and base of full empty", async () => {
    const bytes = await cellsParquet(run.measurements);
    const rows = (await parquetReadObjects({ file: new Uint8Array(bytes).buffer })) as Record<string, unknown>[];
    expect(rows.length).toBe(6 * 17);
    const { document } = run.measurements[0];
    expect(rows[0]).toMatchObject({ epoch: 0, split: "train", scan: "single", layer: "conv1", base: "a", alpha: 0.5 });
    expect(rows[0].loss_barrier).toBe(document.cells[0].loss?.barrier);
    expect(rows[16]).toMatchObject({ scan: "full", layer: null, base: null });
  });
});

describe("a figure's page", () => {
  const figure = { title: "all together", paper: "it is bad", metric: "error" as const, remark: "Too small." };
  const claims = [{ says: "it is bad", verdict: "holds", numbers: "1 against 0" }];
  const clients = [
    [7, 1],
    [2, 9],
  ];
  const pairs = ["x", "y"].map((folder) => ({ folder, last: made(10, "train") }));
  const record = { ...run, name: "fig03", figure, claims, clients, pairs };

  it("begins with the verdict and the claims, draws its metric first, and shows clients and pairs", () => {
    const { html, figures } = renderRun(record);
    expect(html).toContain("<h1>Figure 3: all together</h1>");
    for (const text of [
      "Holds: 1 of 1 claim holds.",
      "Paper: it is bad.",
      "1 against 0",
      "Too small.",
      "client 1",
      "<h2>Pairs",
    ])
      expect(html).toContain(text);
    expect(figures.single).toContain("barrier +0.9"); // points of error, not nats
    expect(html.indexOf('value="error" checked')).toBeGreaterThan(0);
  });

  it("is on the page over all experiments", () => {
    const html = renderOverview([{ record, folder: "runs/figures-small/fig03" }], "small", "runs/figures-small");
    expect(html).toContain('href="fig03/report.html"');
    expect(html).toContain('<div class="tile"><b>1</b><span>holds</span></div>');
    expect(verdictOf({})).toBe("no claims");
    expect(verdictOf({ claims: [...claims, { says: "", verdict: "undecided", numbers: "" }] })).toBe("undecided");
    expect(verdictOf({ claims: [...claims, { says: "", verdict: "does not hold", numbers: "" }] })).toBe(
      "does not hold",
    );
  });
});

const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);

/** The same measurement of layers whose names leave a heatmap narrow. */
function withShortNames(one: (typeof run.measurements)[number]): (typeof run.measurements)[number] {
  const text = JSON.stringify(one).replaceAll(JSON.stringify(layers[2]).slice(1, -1), "layer2");
  return JSON.parse(text);
}

/** The parts of an SVG text that the test uses, as the project has no DOM types. */
interface Text {
  readonly textContent: string;
  readonly ownerSVGElement: { readonly viewBox: { readonly baseVal: { readonly width: number } } };
  getBBox(): { readonly x: number; readonly width: number };
}

/** Returns the texts that reach over the right edge of their picture. Runs in the page. */
function cutOff(texts: readonly unknown[]): string[] {
  const isCut = (text: Text) => text.getBBox().x + text.getBBox().width > text.ownerSVGElement.viewBox.baseVal.width;
  return (texts as Text[]).filter(isCut).map((text) => text.textContent);
}

describe.skipIf(!browserPath)(
  `the page in a browser${browserPath ? "" : " (skipped: Chromium is not installed)"}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "layerwise-page-"));
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({
        executablePath: browserPath,
        args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
      });
    });
    afterAll(async () => {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it("cuts off no text, whatever its switches show", async () => {
      writeFileSync(
        join(folder, "short.html"),
        renderRun({ ...run, measurements: run.measurements.map(withShortNames) }).html,
      );
      const page = await browser.newPage();
      await page.goto(`file://${join(folder, "short.html")}`);
      const texts = page.locator("svg text");
      expect(await texts.count()).toBeGreaterThan(50);
      for (const choice of ["error", "test", "end a", "mean of both", "loss", "train"]) {
        await page.getByText(choice, { exact: true }).first().click();
        expect(await texts.evaluateAll(cutOff), choice).toEqual([]);
      }
    });

    it("shows values on hover and focus, recolours by its switches, and runs nothing in a layer's name", async () => {
      writeFileSync(join(folder, "run.html"), renderRun(run).html);
      const page = await browser.newPage();
      const logged: string[] = [];
      page.on("console", (message) => logged.push(message.text()));
      page.on("pageerror", (error) => logged.push(error.message));
      await page.goto(`file://${join(folder, "run.html")}`);
      const cell = page.locator('svg[data-scan="deep"] .cell').last();
      const fill = () => cell.locator("rect").getAttribute("fill");
      const drawn = [await fill(), await cell.getAttribute("data-tip")];
      await page.locator('svg[data-scan="single"] .cell').nth(2).hover();
      expect(await page.locator("#tip").textContent()).toContain(
        "conv1, epoch 10\nbarrier +0.070 (95 %: +0.050 to +0.090)",
      );
      await page.mouse.move(0, 0);
      await cell.focus();
      expect(await page.locator("#tip").textContent()).toContain("fc, epoch 10");
      await page.getByText("error", { exact: true }).first().click();
      expect(await cell.getAttribute("data-tip")).toContain("barrier +5.7");
      const caption = page.locator('svg[data-scan="deep"] text').nth(1);
      expect(await caption.textContent()).toBe("error in points, train, mean of both bases; colours to ±30");
      await page.getByText("loss", { exact: true }).first().click();
      // the script draws what the page was written with
      expect([await fill(), await cell.getAttribute("data-tip")]).toEqual(drawn);
      expect(await page.title()).toBe("made-up: which layers can be averaged?");
      expect(logged).toEqual([]);
    });
  },
);
