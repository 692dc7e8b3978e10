// Every stored cell as a row of comma-separated values.
import type { Measurement } from "../connectivity/index.ts";

const header =
  "epoch,split,scan,layer,base,alpha,loss,error,loss_barrier,loss_low,loss_high,error_barrier,error_low,error_high";

/** An empty field stands for a value that is not finite, and for the layer and base of `full`. */
export function cellsCsv(measurements: readonly { readonly epoch?: number; readonly document: Measurement }[]): string {
  const rows = measurements.flatMap(({ epoch, document }) =>
    document.cells.map((c) =>
      [
        epoch,
        document.data.split,
        c.scan,
        c.layer,
        c.base,
        c.alpha,
        c.loss,
        c.error,
        c.loss_barrier,
        ...(c.loss_interval ?? ["", ""]),
        c.error_barrier,
        ...(c.error_interval ?? ["", ""]),
      ]
        .map(field)
        .join(","),
    ),
  );
  return `${[header, ...rows].join("\n")}\n`;
}

const field = (value: string | number | null | undefined) => {
  const text = String(value ?? "");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
