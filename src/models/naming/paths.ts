// Names of tensors as paths: `block.0.conv.weight` in PyTorch, `block_0/conv/kernel` in flax, `block_0/conv/kernel:0`
// in TensorFlow. Both separators are equivalent. A module's name keeps the separators of its file.

/**
 * What TensorFlow appends to the name of a variable or its module when a graph reads it: the read operation, and the
 * operation that uses the value.
 */
const reading = /[./]ReadVariableOp(_\d+)?$/;
const operations =
  /[./](kernel|bias|gamma|beta|moving_mean|moving_variance|Read|MatMul|BiasAdd|Conv[123]D|(depthwise|separable_conv2d|convolution|Tensordot|[Ee]insum|batchnorm|FusedBatchNormV3|[Aa]dd|AddV2|[Mm]ul|[Ss]ub|embedding_lookup)(_\d+)?)$/;

/** The path of a PyTorch parametrisation: `fc.parametrizations.weight.original0` belongs to `fc.weight`. */
const parametrized = /(^|[./])parametrizations[./][^./]+[./].*$/;

/** The path without TensorFlow's index of an output, `:0`. */
const withoutIndex = (name: string) => name.replace(/:\d+$/, "");

/**
 * The module of a tensor: its name without the last component; empty if it has only one.
 * @example moduleOf("head/kernel:0") gives "head"
 */
export function moduleOf(name: string): string {
  const path = withoutIndex(name);
  if (parametrized.test(path)) return path.replace(parametrized, "");
  if (!reading.test(path)) return path.replace(/[./]?[^./]*$/, "");
  let module = path.replace(reading, "");
  while (operations.test(module)) module = module.replace(operations, "");
  return module;
}

/** The layer of a tensor by its name: its module, or its own name if it has no module. */
export const layerOf = (name: string): string => moduleOf(name) || withoutIndex(name);

/** Names of numbered blocks. */
const blockName = /(^|[./]|block|layer|stage|unit|cell)$/i;

interface Numbered {
  /** The path up to the number. */
  readonly stem: string;
  /** The path including the number. */
  readonly end: string;
}

/** The numbers in a path that are a component or its last part after an underscore (not `layer1`, `conv2d`). */
function numbersIn(path: string): Numbered[] {
  const found: Numbered[] = [];
  for (const { index, 0: component } of path.matchAll(/[^./]+/g)) {
    const [number] = /(^|_)\d+$/.exec(component) ?? [];
    const end = index + component.length;
    if (number !== undefined) found.push({ stem: path.slice(0, end - number.length), end: path.slice(0, end) });
  }
  return found;
}

/**
 * Finds the block of each module: its path up to the first number that is a component or follows the name of a block:
 * `h.0`, `layers/1`, `encoderblock_0`. Without such a number, any number counts that has different values among the
 * modules (`down_1`, `down_2`; not `resnet_v2_50`).
 */
export function blocksOf(modules: Iterable<string>): (module: string) => string | undefined {
  const ends = new Map<string, Set<string>>();
  for (const module of modules)
    for (const { stem, end } of numbersIn(module)) ends.set(stem, (ends.get(stem) ?? new Set()).add(end));
  return (module) => {
    const numbers = numbersIn(module);
    const block =
      numbers.find(({ stem }) => blockName.test(stem)) ?? numbers.find(({ stem }) => ends.get(stem)!.size > 1);
    return block?.end;
  };
}

/**
 * The regular expression of a glob over paths: `*` matches within a component, `**` across components; either separator
 * matches both. `x.**` is x and everything below it.
 */
export function globExpression(glob: string): RegExp {
  const [, root, below] = /^(.+?)([./]\*\*)?$/.exec(glob) ?? [glob, glob];
  const parts = root.split(/(\*\*|\*|[./])/).map((part) => {
    if (part === "**") return ".*";
    if (part === "*") return "[^./]*";
    return part === "." || part === "/" ? "[./]" : part.replace(/[+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}${below ? "([./].*)?" : ""}$`);
}
