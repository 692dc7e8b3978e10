// Names in ONNX files. Exporters keep the names of parameters that they leave alone; what they fold or transpose gets a generated name, and
// then only the node that uses it tells which module it belongs to.
import type { Held } from "../graph/index.ts";

const generated = /^(\d+|onnx::.*|.*_output_\d+|_?val_\d+|const(ant)?_?\d*|ort(shared)?_.*|\/.*)$/i;

/** True for names that exporters make up: `onnx::Conv_123`, numbers, `/fc/Constant_output_0`. */
export const isGenerated = (name: string): boolean => generated.test(name);

/**
 * The module path in the name of the node that uses a value; undefined where the name holds none.
 * @example modulePath "/layer1/layer1.0/conv1/Conv" gives "layer1.0.conv1", since a module in a list repeats the list's name
 */
export function modulePath({ use }: Held): string | undefined {
  if (!use?.node.startsWith("/")) return undefined;
  const parts = use.node.split("/").slice(1, -1);
  const path: string[] = [];
  for (const part of parts) {
    const last = path.at(-1);
    if (last !== undefined && (part === last || part.startsWith(`${last}.`))) path.pop();
    path.push(part);
  }
  return path.length ? path.join(".") : undefined;
}
