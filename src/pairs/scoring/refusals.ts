// Turns ONNX Runtime's errors for a graph into sentences for the user. The runtime runs a graph made from the user's,
// so node names in its errors are not in any file.
import { type DType, sizeOf, UserError } from "../../core/index.ts";
import { dtypeOf, type Parameter } from "../../models/index.ts";

/** How many samples a graph was run on at once, and how many there are. */
export interface BatchFacts {
  readonly size: number;
  readonly samples: number;
  /** The graph's inputs declare that size. */
  readonly isFixed?: boolean;
}

interface Refusal {
  readonly is: RegExp;
  /** Continues "ONNX Runtime cannot run FILE: "; `found` are the groups of the expression. */
  readonly sentence: (found: readonly string[], batch: BatchFacts) => string;
}

const unknownOperation = (operation: string, domain?: string): string =>
  `it does not support the operation ${operation}${domain ? ` of domain ${domain}` : ""}. Export the model without it: only up to the scores, or with standard ONNX operations.`;

const refusals: readonly Refusal[] = [
  {
    is: /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    sentence: ([own, newest]) =>
      `its IR version is ${own}, but the newest supported one is ${newest}. In Python, set model.ir_version = ${newest}, and save it again.`,
  },
  {
    is: /Opset (\d+) is under development.* support for domain (\S+) is till opset (\d+)/,
    sentence: ([own, domain, newest]) =>
      `it uses operator set ${own} of ${domain}, but the newest supported one is ${newest}. Export it with opset_version=${newest}, or convert it in Python with onnx.version_converter.convert_version(model, ${newest}).`,
  },
  {
    is: /In Node, \("[^"]*", (\w+), "([^"]*)", .*No opset import for domain/,
    sentence: ([op, domain]) => unknownOperation(op, domain),
  },
  {
    is: /([\w.]*):(\w+)\(-?\d*\) is not a registered function\/op/,
    sentence: ([domain, op]) => unknownOperation(op, domain),
  },
  { is: /No Op registered for (\w+) with domain_version/, sentence: ([op]) => unknownOperation(op) },
  {
    is: /cannot be reshaped to the requested shape. Input shape:\{([\d,]+)\}, requested shape:\{([\d,]+)\}/,
    sentence: ([given, asked], batch) => {
      const [from, to] = [given, asked].map((shape) => shape.split(",").map(Number));
      const own = (from[0] * sizeOf(to)) / sizeOf(from); // if the first axis is the batch
      const shapes = `a Reshape in it expects [${to}], but gets [${from}]`;
      return Number.isInteger(own) && own > 0 && own !== batch.size
        ? `${shapes}: it was exported for a batch of ${own}. Use ${batchOrExport(own)}`
        : `${shapes}. ${from[0] === batch.size && to[0] === batch.size ? otherSamples(batch) : otherBatch(batch)}`;
    },
  },
  {
    is: /^(\w+): .*broadcast an axis by a dimension other than 1\. (\d+) by (\d+)/,
    sentence: ([operation, ...lengths], batch) => {
      const own = lengths.map(Number).find((n) => n !== batch.size);
      const shapes = `the shapes at its operation ${operation} do not fit (axes of ${lengths.join(" and ")})`;
      return own !== undefined && lengths.includes(String(batch.size))
        ? `${shapes}. If it was exported for a batch of ${own}: use ${batchOrExport(own)} Otherwise check the shapes of the samples.`
        : `${shapes}. ${areRows(lengths.map(Number), batch.size) ? otherBatch(batch) : otherSamples(batch)}`;
    },
  },
  {
    is: /^(\w+): .*ndices element out of data bounds, idx=(-?\d+) must be within the inclusive range \[-?\d+,\s*(\d+)\]/,
    sentence: ([operation, index, last], { size, samples }) =>
      Number(last) + 1 === size && size < samples
        ? `the index ${index} at its operation ${operation} is beyond a batch of ${size}. Samples that refer to each other, as the nodes of a graph do, must be evaluated together: use --batch ${samples}.`
        : `the index ${index} at its operation ${operation} is outside 0 to ${last}. Check the numbers in the data that are used as indices, such as token ids.`,
  },
  {
    // the comparison of classes with labels, which is not in the user's graph
    is: /^Equal: .*ShapeInferenceError/,
    sentence: (_, batch) => `its scores do not have a row for each of ${batch.size} samples. ${otherBatch(batch)}`,
  },
  {
    is: /^(\w+): .*(?:ShapeInferenceError|[Dd]imension|[Ss]hape|broadcast)/,
    sentence: ([operation], batch) => `the shapes at its operation ${operation} do not fit. ${otherBatch(batch)}`,
  },
];

/** Whether one of two lengths may be the rows of a batch of `size`, and the other those of another batch. */
const areRows = ([x, y]: readonly number[], size: number): boolean =>
  size > 1 && [x / y, y / x].some((ratio, i) => [x, y][1 - i] % size === 0 && Number.isInteger(ratio * size));

const batchOrExport = (size: number) => `--batch ${size}, or export it again with a free batch axis.`;

/** Advice for sizes that do not fit and are not the batch's, such as the longest of the samples' lengths. */
const otherSamples = ({ size, samples, isFixed }: BatchFacts): string =>
  isFixed || size >= samples
    ? "Check the shapes of the samples."
    : `If a size depends on the other samples of a batch, such as the longest of their lengths, use a larger --batch, up to ${samples}. Otherwise check the shapes of the samples.`;

const otherBatch = ({ size, isFixed }: BatchFacts): string =>
  size === 1 || isFixed
    ? "Export it again with a free batch axis, and check the shapes of the samples."
    : "A graph exported for one batch size runs only with that size: try --batch 1, or export it again with a free batch axis. Otherwise check the shapes of the samples.";

const asSentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** The position in the runtime's source at the start of a message. */
const origin = /\S*onnxruntime\S*\.(?:cc|h|cpp):\d+ .*?\) (?:.* was false\. )?(?=[A-Z])/;

/**
 * The runtime's message without the position in its source, and without node names, which are those of the generated
 * graph.
 */
const plain = (line: string): string =>
  line
    .replace(/^.*while running (\w+) node\. Name:'[^']*' Status Message: /, "$1: ")
    .replace(origin, "")
    .replace(/Node \([^)]*\) Op \((\w+)\)/, "$1:")
    .replace(/In Node, \("[^"]*", (\w+), .*\) : \(.*\) -> \(.*\) , /, "$1: ");

/** Types that many of the runtime's CPU operations do not support. */
const rare: readonly DType[] = ["bfloat16", "float16"];

/** The error for a graph that the runtime refuses; `path` is its file, `data` the name of the data set. */
export function cannotRun(
  error: unknown,
  data: string,
  { path = "the model", parameters }: { readonly path?: string; readonly parameters: readonly Parameter[] },
  batch: BatchFacts,
): unknown {
  if (error instanceof UserError) return error;
  const [line] = (error as Error).message.split("\n");
  const [, operation] = /Could not find an implementation for (\w+)\(\d+\)/.exec(line) ?? [];
  const dtype = operation && rare.find((one) => parameters.some((p) => dtypeOf(p) === one));
  if (operation)
    return new UserError(
      dtype
        ? `ONNX Runtime cannot run ${path}: it does not support ${operation} in ${dtype} on this device. Convert the model to float32, and export it again.`
        : `ONNX Runtime cannot run ${path}: it does not support ${operation} with these types on this device. Export the model with other types there, such as float32.`,
      { cause: error },
    );
  for (const { is, sentence } of refusals) {
    const found = is.exec(line) ?? is.exec(plain(line));
    if (found)
      return new UserError(`ONNX Runtime cannot run ${path}: ${sentence(found.slice(1), batch)}`, { cause: error });
  }
  return new UserError(
    `ONNX Runtime cannot run ${path} on samples of ${data}: ${asSentence(plain(line))} Check the model and the data.`,
    { cause: error },
  );
}
