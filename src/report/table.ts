// All stored cells as a table, as CSV and Parquet.
import type { Measurement } from "../connectivity/index.ts";
import { isLanguage } from "./cells.ts";

type Measured = { readonly epoch?: number; readonly document: Measurement };
type Value = string | number | null | undefined;

/** Values that are not finite are empty, and so are the layer and base of `full`. */
function columns(
  measurements: readonly Measured[],
): Record<string, { type: "STRING" | "DOUBLE" | "INT32"; data: Value[] }> {
  const rows = measurements.flatMap(({ epoch, document }) => document.cells.map((cell) => ({ epoch, document, cell })));
  type Row = (typeof rows)[number];
  const column = (type: "STRING" | "DOUBLE" | "INT32", of: (row: Row) => Value) => ({ type, data: rows.map(of) });
  return {
    epoch: column("INT32", ({ epoch }) => epoch),
    split: column("STRING", ({ document }) => document.data.split),
    scan: column("STRING", ({ cell }) => cell.scan),
    layer: column("STRING", ({ cell }) => cell.layer),
    base: column("STRING", ({ cell }) => cell.base),
    alpha: column("DOUBLE", ({ cell }) => cell.alpha),
    loss: column("DOUBLE", ({ cell }) => cell.loss?.value),
    error: column("DOUBLE", ({ cell }) => cell.error?.value),
    ...(measurements.some(({ document }) => isLanguage(document))
      ? { perplexity: column("DOUBLE", ({ cell }) => cell.perplexity) }
      : {}),
    loss_barrier: column("DOUBLE", ({ cell }) => cell.loss?.barrier),
    loss_low: column("DOUBLE", ({ cell }) => cell.loss?.interval?.[0]),
    loss_high: column("DOUBLE", ({ cell }) => cell.loss?.interval?.[1]),
    error_barrier: column("DOUBLE", ({ cell }) => cell.error?.barrier),
    error_low: column("DOUBLE", ({ cell }) => cell.error?.interval?.[0]),
    error_high: column("DOUBLE", ({ cell }) => cell.error?.interval?.[1]),
  };
}

export function cellsCsv(measurements: readonly Measured[]): string {
  const all = Object.entries(columns(measurements));
  const rows = all[0][1].data.map((_, i) => all.map(([, { data }]) => field(data[i])).join(","));
  return `${[all.map(([name]) => name).join(","), ...rows].join("\n")}\n`;
}

export async function cellsParquet(measurements: readonly Measured[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const columnData = Object.entries(columns(measurements)).map(([name, { type, data }]) => ({
    name,
    type,
    data: data.map((value) => value ?? null),
    nullable: true,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

const field = (value: Value) => {
  const text = String(value ?? "");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
