// The built-in networks by name. A new one is a file and a line here.
import { importDefault, isModule, listSome, nearest, UserError } from "../core/index.ts";
import { gpt } from "./gpt.ts";
import { mlp } from "./mlp.ts";
import type { Model, Network, Shapes, Sizes } from "./model.ts";
import { cifarResnets } from "./resnet-cifar.ts";
import { resnet18, resnet18Nonorm } from "./resnet18.ts";
import { vgg11 } from "./vgg11.ts";

/**
 * The built-in networks.
 * @example
 * ```ts
 * import { networks } from "layerwise";
 *
 * const mlp = networks.find(({ name }) => name === "mlp")!;
 * const model = mlp.build({ inputs: 2, hidden: 8, depth: 3, classes: 2 });
 * console.log(model.parameters.map(({ shape }) => shape)); // [ [ 8, 2 ], [ 8 ], [ 8, 8 ], [ 8 ], [ 2, 8 ], [ 2 ] ]
 * ```
 */
export const networks: readonly Network[] = [resnet18Nonorm, resnet18, vgg11, gpt, ...cifarResnets, mlp];

/**
 * The built-in network with a name, or the one in a module: a .mjs file whose default export is a {@link Network}.
 * Throws a {@link UserError} that suggests the nearest name.
 */
export async function findNetwork(name: string): Promise<Network> {
  return isModule(name) ? loadNetwork(name) : builtIn(name);
}

function builtIn(name: string): Network {
  const found = networks.find((network) => network.name === name);
  if (found) return found;
  const names = networks.map((network) => network.name);
  const near = nearest(name, names);
  throw new UserError(
    `There is no model ${name}${near ? `; did you mean ${near}?` : "."} Built-in models are ${listSome(names, 20)}. A .mjs file defines a custom model.`,
  );
}

async function loadNetwork(path: string): Promise<Network> {
  const network = await importDefault(path, "docs/extending.md");
  const lacks = (given: unknown, ...parts: string[]) => {
    const missing = parts.find((part) => !(part in Object(given)));
    if (missing)
      throw new UserError(`${path} does not export a network: ${missing} is missing. See docs/extending.md.`);
  };
  lacks(network, "name", "sizes", "input", "build");
  const { build } = network as Network;
  return {
    ...(network as Network),
    build(sizes) {
      const model = build(sizes);
      lacks(model, "name", "sizes", "parameters", "tied", "forward");
      for (const parameter of model.parameters) lacks(parameter, "name", "shape", "initial");
      return model;
    },
  };
}

/** Throws {@link UserError} for a size that the network does not have. */
export function requireSizes({ name, sizes }: Network, given: Partial<Record<string, number>>): void {
  const unknown = Object.keys(given).find((size) => given[size] !== undefined && !(size in sizes));
  if (unknown) throw new UserError(`Model ${name} has no size ${unknown}. It has ${listSome(Object.keys(sizes))}.`);
}

/**
 * Builds a network, or a built-in one by name. Given sizes take precedence over those from a checkpoint's shapes, and
 * those over the defaults.
 */
export function buildModel(
  what: string | Network,
  given: Partial<Record<string, number>> = {},
  shapes?: Shapes,
): Model {
  const network = typeof what === "string" ? builtIn(what) : what;
  const read: Partial<Record<string, number>> = shapes ? (network.readSizes?.(shapes) ?? {}) : {};
  requireSizes(network, given);
  const sizes: Sizes = Object.fromEntries(
    Object.entries(network.sizes).map(([size, value]) => [size, given[size] ?? read[size] ?? value]),
  );
  return network.build(sizes);
}
