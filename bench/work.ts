// The work of a comparison, as JSON that pytorch.py also reads, and layerwise's side of its training steps.
import { randomStream, sizeOf, type Tensor, tensor } from "../src/core/index.ts";
import type { Batch } from "../src/data/index.ts";
import { buildModel, initialise } from "../src/models/index.ts";
import type { RuntimeOptions } from "../src/runtime/index.ts";
import { adamw, Stepper, sgd } from "../src/training/index.ts";

/** The work of one process. */
export interface Spec {
  readonly kind: "step" | "scan";
  readonly network: "resnet18-nonorm" | "vgg11" | "gpt" | "mlp";
  /** Pixels of a side, or characters. */
  readonly size: number;
  readonly batch: number;
  /** Number of channels; for a GPT its width and blocks. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly threads: number;
  /** Steps, or samples. */
  readonly count: number;
}

/** Steps in one run of the runtime, about the same number as in training. */
export const together = 8;

const random = randomStream(1, "bench");
export const noise = (shape: number[]): Tensor =>
  tensor(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );
export const integers = (shape: number[], below: number): Tensor =>
  tensor(
    "int64",
    shape,
    Array.from({ length: sizeOf(shape) }, () => random.integer(below)),
  );

/** A stepper for a network, and a batch for its steps. */
export function makeStepper(
  { network, size, batch: n, sizes }: Spec,
  runtime: RuntimeOptions,
): { stepper: Stepper; batch: Batch } {
  const isText = network === "gpt";
  const model = buildModel(network, isText ? { ...sizes, context: size } : sizes);
  const optimiser = isText
    ? adamw({ betas: [0.9, 0.95], weightDecay: 1e-3 })
    : sgd({ momentum: 0.9, weightDecay: 5e-4 });
  return {
    stepper: new Stepper({ model, optimiser, clip: isText ? 1 : undefined, runtime }, initialise(model, 1)),
    batch: isText
      ? { inputs: { input: integers([n, size], 96) }, labels: integers([n, size], 96) }
      : { inputs: { input: noise([n, 3, size, size]) }, labels: integers([n], 10) },
  };
}
