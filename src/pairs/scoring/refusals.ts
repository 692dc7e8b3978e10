// What ONNX Runtime says of a graph that it refuses, as sentences for the user.
import { type DType, UserError } from "../../core/index.ts";
import { dtypeOf, type Parameter } from "../../models/index.ts";

interface Refusal {
  readonly is: RegExp;
  /** Continues "ONNX Runtime cannot run FILE: ", with what to do; `found` are the groups of the expression. */
  readonly sentence: (...found: string[]) => string;
}

const refusals: readonly Refusal[] = [
  {
    is: /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    sentence: (own, newest) =>
      `its IR version is ${own}, and ${newest} is the newest that is supported. In Python, set model.ir_version = ${newest}, and save it again.`,
  },
  {
    is: /Opset (\d+) is under development.* support for domain (\S+) is till opset (\d+)/,
    sentence: (own, domain, newest) =>
      `it uses operator set ${own} of ${domain}, and ${newest} is the newest that is supported. Export it with opset_version=${newest}, or convert it in Python with onnx.version_converter.convert_version(model, ${newest}).`,
  },
];

const asSentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** Where in the runtime's source a message comes from. */
const origin = /^\S*onnxruntime\S*\.(?:cc|h|cpp):\d+ .*?\) (?=[A-Z])/;

/** Types that the runtime's operations for CPUs lack. */
const rare: readonly DType[] = ["bfloat16", "float16"];

/** The sentence for a graph that the runtime refuses; `path` is its file. */
export function cannotRun(
  error: unknown,
  data: string,
  { path = "the model", parameters }: { readonly path?: string; readonly parameters: readonly Parameter[] },
): unknown {
  if (error instanceof UserError) return error;
  const [line] = (error as Error).message.split("\n");
  const [, operation] = /Could not find an implementation for (\w+)\(\d+\)/.exec(line) ?? [];
  const dtype = operation && rare.find((one) => parameters.some((p) => dtypeOf(p) === one));
  if (dtype)
    return new UserError(
      `ONNX Runtime cannot run ${path}: it has no ${operation} in ${dtype} for this device. Convert the model to float32, and export it again.`,
      { cause: error },
    );
  for (const { is, sentence } of refusals) {
    const found = is.exec(line);
    if (found)
      return new UserError(`ONNX Runtime cannot run ${path}: ${sentence(...found.slice(1))}`, { cause: error });
  }
  return new UserError(
    `ONNX Runtime cannot run ${path} on samples of ${data}: ${asSentence(line.replace(origin, ""))} Check the model and the data.`,
    { cause: error },
  );
}
