// Names in ONNX files. Exporters keep the names of unchanged parameters. Folded or transposed ones get a generated
// name, and then only the node that uses them identifies their module.
import type { Held } from "../graph/index.ts";

const generated = /^(\d+|onnx::.*|.*_output_\d+|_?val_\d+|node_\w+|const(ant)?_?\d*|ort(shared)?_.*|\/.*)$/i;
/** PyTorch's exporter since 2.6 names folded values after the operation. */
const afterOperation =
  /^(t|transpose|permute|view|_?reshape\w*|expand|clone|_to_copy|cat|stack|(un)?squeeze|(new_)?(zeros|ones|full)|(zeros|ones|full)_like|scalar_tensor|arange|slice|select|exp|log|mul|add|sub|div|neg|pow|r?sqrt|sin|cos|detach|lift_fresh_copy|_tensor_constant|lifted_tensor|convert_element_type\w*)_?\d*$/;

/**
 * True for names that exporters generate: `onnx::Conv_123`, numbers, `/fc/Constant_output_0`, `val_7`, `transpose_2`.
 */
export const isGenerated = (name: string): boolean => generated.test(name) || afterOperation.test(name);

/** True for names that PyTorch's exporter gives to values computed from parameters, other than by moving elements. */
export const isComputed = (name: string): boolean =>
  /^(exp|log|mul|div|pow|r?sqrt|softplus|sigmoid|tanh)(_\d+)?$/.test(name);

/** True for names that PyTorch's exporters give to tensors that are neither parameters nor buffers. */
export const isCaptured = (name: string): boolean =>
  /^\/(.*\/)?Constant(_\d+)?_output_0$|^(c_)?(lifted_tensor|_tensor_constant)_?\d*$/.test(name);

/**
 * The module path in the metadata or the name of the node that uses a value; undefined if neither has one.
 * @example modulePath "/layer1/layer1.0/conv1/Conv" gives "layer1.0.conv1": a module in a list repeats the list's name
 */
export function modulePath({ use }: Held): string | undefined {
  if (!use) return undefined;
  const declared = declaredPath(use.metadata);
  if (declared || !use.node.startsWith("/")) return declared;
  const parts = use.node.split("/").slice(1, -1);
  const path: string[] = [];
  for (const part of parts) {
    const last = path.at(-1);
    if (last !== undefined && (part === last || part.startsWith(`${last}.`))) path.pop();
    path.push(part);
  }
  return path.length ? path.join(".") : undefined;
}

/**
 * The path in the metadata of PyTorch's exporter: the scopes are those of the modules, each with its full path, then
 * that of the operation.
 */
function declaredPath(metadata: NonNullable<Held["use"]>["metadata"] = []): string | undefined {
  const of = (key: string) => metadata.find((one) => one.key === key)?.value;
  const scopes = [...(of("pkg.torch.onnx.name_scopes") ?? "").matchAll(/'([^']*)'|"([^"]*)"/g)].map(
    (m) => m[1] ?? m[2],
  );
  const entries = scopes.length ? scopes : (of("namespace") ?? "").split("/").map((entry) => entry.split(":")[0]);
  const path = entries.at(-2)?.replace(/@\d+/g, ""); // a later call of the module
  return path && !path.startsWith("_empty_nn_module_stack") ? path : undefined;
}
