// layerwise distance A B: compares the weights of two checkpoints, layer by layer. Needs no data and no model. For two
// Hugging Face folders, it also checks whether they can be averaged.
import { Command, Option } from "@commander-js/extra-typings";
import type { Comparison, FolderComparison } from "../../distance/index.ts";
import { example, keyHelp, keys, oneOf } from "../options/values.ts";
import { shortenNames } from "../terminal/names.ts";
import { showPreflight } from "../terminal/preflight.ts";
import { makeProgress } from "../terminal/progress.ts";
import { terminalWidth, wrapped } from "../terminal/wrap.ts";

const orders = ["distance", "relative", "cosine", "model"] as const;

/** Minimum width of the layer names in the table. */
const minNameWidth = 24;

interface Row {
  readonly layer: string;
  readonly size: number;
  readonly euclidean: number;
  /** The Euclidean distance divided by the square root of the number of parameters. */
  readonly relative: number;
  readonly cosine: number | null;
  readonly init?: readonly [number, number];
}

export const distanceCommand = () =>
  new Command("distance")
    .description(
      "compare the weights of two checkpoints or Hugging Face folders: Euclidean distance and cosine similarity per layer",
    )
    .argument("<a>", "checkpoint or folder of end a")
    .argument("<b>", "checkpoint or folder of end b")
    .option("--init <file>", "common initialisation; adds the distance of each end from it")
    .option(
      "--group <by>",
      "what counts as one layer: module, block, sublayer (language models in folders) or tensor; default: module, for folders block",
      oneOf("module", "block", "sublayer", "tensor"),
    )
    .option(
      "--sort <by>",
      "order of the layers: distance, relative (distance divided by the square root of the size), cosine, or model (from input to output)",
      oneOf(...orders),
      "distance" as (typeof orders)[number],
    )
    .option("--key <name>", `${keyHelp}, init=NAME for --init`, keys)
    .addOption(new Option("--csv", "print the table as CSV").conflicts("json"))
    .option("--json", "print the result as one JSON document")
    .option("--quiet", "hide progress")
    .addHelpText("before", example("layerwise distance a.safetensors b.safetensors"))
    .action(async (a, b, { init, group, sort, key, csv, json, quiet }) => {
      const { areFolders, compareFiles, compareFolders } = await import("../../distance/index.ts");
      const compare: (...options: Parameters<typeof compareFiles>) => Promise<Comparison | FolderComparison> =
        areFolders(a, b) ? compareFolders : compareFiles;
      const progress = makeProgress({ quiet });
      const comparison = await compare(a, b, { init, group, keys: key }, (done, total) =>
        progress.update("distance", done, total),
      ).finally(progress.stop);
      const { preflight, distance } = comparison;
      const check = preflight ? [showPreflight(preflight)] : [];
      const notes = (comparison.notes ?? []).map((note) => `Note: ${note}`);
      const rows = distance ? rowsOf(comparison.layers, distance, sort) : [];
      if (json) console.log(JSON.stringify(comparison, null, 1));
      else if (csv) {
        if (distance) console.log(asCsv(rows));
        for (const text of [...check, ...notes]) console.error(text);
      } else {
        const wide = notes.map((note) => wrapped(note, ""));
        const table = distance ? [[asTable(rows, distance), ...wide].join("\n")] : wide;
        console.log([...check, ...table].join("\n\n"));
      }
      if (preflight?.can_average === false) process.exitCode = 1;
    });

type Distances = Comparison["distance"];

function rowsOf(layers: Comparison["layers"], distance: Distances, sort: (typeof orders)[number]): Row[] {
  const { from_init: from } = distance;
  const rows = layers.map(({ name, size }): Row => {
    const { euclidean, cosine } = distance.layers[name];
    const init = from && ([from.a.layers[name].euclidean, from.b.layers[name].euclidean] as const);
    return { layer: name, size, euclidean, cosine, relative: euclidean / Math.sqrt(Math.max(1, size)), init };
  });
  const keys = {
    distance: (row: Row) => -row.euclidean,
    relative: (row: Row) => -row.relative,
    cosine: (row: Row) => row.cosine ?? 2,
    model: () => 0,
  };
  const order = (row: Row) => {
    const key = keys[sort](row);
    return Number.isNaN(key) ? Number.MAX_VALUE : key; // undefined distances come last
  };
  return rows.sort((x, y) => order(x) - order(y));
}

function asTable(rows: readonly Row[], { from_init: from, full }: Distances): string {
  const numbers = 13 + 11 * (from ? 4 : 2);
  const room = Math.max(minNameWidth, terminalWidth() - numbers);
  const longest = rows.reduce((length, { layer }) => Math.max(length, layer.length), "layer".length);
  const names = Math.min(longest, room);
  const short = shortenNames(
    rows.map(({ layer }) => layer),
    names,
  );
  const number = (x: number | null) => (x === null || !Number.isFinite(x) ? "–" : x.toPrecision(4));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i ? cell.padStart(i === 1 ? 12 : 10) : cell.padEnd(names))).join(" ");
  const head = ["layer", "parameters", "distance", "cosine", ...(from ? ["a–init", "b–init"] : [])];
  const total = rows.reduce((sum, { size }) => sum + size, 0);
  const all = ["all", total.toLocaleString("en-GB"), number(full.euclidean), number(full.cosine)];
  if (from) all.push(number(from.a.full.euclidean), number(from.b.full.euclidean));
  return [
    line(head),
    ...rows.map(({ size, euclidean, cosine, init }, i) =>
      line([short[i], size.toLocaleString("en-GB"), number(euclidean), number(cosine), ...(init ?? []).map(number)]),
    ),
    line(all),
  ].join("\n");
}

function asCsv(rows: readonly Row[]): string {
  const quote = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const head = `layer,parameters,distance,relative,cosine${rows[0]?.init ? ",a_from_init,b_from_init" : ""}`;
  const lines = rows.map(({ layer, size, euclidean, relative, cosine, init = [] }) =>
    [quote(layer), size, euclidean, relative, cosine ?? "", ...init].join(","),
  );
  return [head, ...lines].join("\n");
}
