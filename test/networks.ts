// Networks that only tests need so far: VGG11 and a GPT, built from the same operations as the built-in ones.
import { sizeOf, tensor } from "../src/core/index.ts";
import {
  adaptiveAveragePool,
  add,
  conv,
  gather,
  gelu,
  layerNormalization,
  linear,
  matmul,
  maxPool,
  mul,
  relu,
  reshape,
  slice,
  softmax,
  swapLast,
  transpose,
  type Value,
} from "../src/graph/index.ts";
import type { Model, Parameter, Weights } from "../src/models/index.ts";

const parameter = (name: string, ...shape: number[]): Parameter => ({
  name,
  shape,
  initial: { kind: "normal", deviation: 0.02 },
});

/** torchvision's VGG11 on 32x32 images, without dropout. */
export function vgg11({ width, hidden, classes = 10 }: { width: number; hidden: number; classes?: number }): Model {
  const plan = [
    width,
    "pool",
    2 * width,
    "pool",
    4 * width,
    4 * width,
    "pool",
    8 * width,
    8 * width,
    "pool",
    8 * width,
    8 * width,
    "pool",
  ] as const;
  const convolutions: { at: number; shape: number[] }[] = [];
  let at = 0;
  let inner = 3;
  for (const part of plan) {
    if (part !== "pool") convolutions.push({ at, shape: [part, inner, 3, 3] });
    inner = part === "pool" ? inner : part;
    at += part === "pool" ? 1 : 2;
  }
  const dense = [
    [0, hidden, inner * 49],
    [3, hidden, hidden],
    [6, classes, hidden],
  ];
  return {
    name: "vgg11",
    sizes: { width, hidden, classes },
    tied: [],
    parameters: [
      ...convolutions.flatMap(({ at: i, shape }) => [
        parameter(`features.${i}.weight`, ...shape),
        parameter(`features.${i}.bias`, shape[0]),
      ]),
      ...dense.flatMap(([i, out, from]) => [
        parameter(`classifier.${i}.weight`, out, from),
        parameter(`classifier.${i}.bias`, out),
      ]),
    ],
    forward(x, weights) {
      let y = x;
      let position = 0;
      for (const part of plan) {
        if (part === "pool") y = maxPool(y, { kernel: 2 });
        else
          y = relu(
            conv(y, weights(`features.${position}.weight`), weights(`features.${position}.bias`), { padding: 1 }),
          );
        position += part === "pool" ? 1 : 2;
      }
      const flat = reshape(adaptiveAveragePool(y, [7, 7]), [x.shape[0], -1]);
      const layer = (v: Value, i: number) =>
        linear(v, weights(`classifier.${i}.weight`), weights(`classifier.${i}.bias`));
      return layer(relu(layer(relu(layer(flat, 0)), 3)), 6);
    },
  };
}

/** nanoGPT without biases, output tied to the embedding. */
export function gpt({
  blocks,
  heads,
  dim,
  context,
  vocab = 96,
}: Record<"blocks" | "heads" | "dim" | "context", number> & { vocab?: number }): Model {
  const names = Array.from({ length: blocks }, (_, i) => `transformer.h.${i}`);
  return {
    name: "gpt",
    sizes: { blocks, heads, dim, context, classes: vocab },
    tied: [["transformer.wte.weight", "lm_head.weight"]],
    parameters: [
      parameter("transformer.wte.weight", vocab, dim),
      parameter("transformer.wpe.weight", context, dim),
      ...names.flatMap((name) => [
        parameter(`${name}.ln_1.weight`, dim),
        parameter(`${name}.attn.c_attn.weight`, 3 * dim, dim),
        parameter(`${name}.attn.c_proj.weight`, dim, dim),
        parameter(`${name}.ln_2.weight`, dim),
        parameter(`${name}.mlp.c_fc.weight`, 4 * dim, dim),
        parameter(`${name}.mlp.c_proj.weight`, dim, 4 * dim),
      ]),
      parameter("transformer.ln_f.weight", dim),
      parameter("lm_head.weight", vocab, dim),
    ],
    forward(ids, weights) {
      const length = ids.shape[1];
      let x = add(
        gather(weights("transformer.wte.weight"), ids, 0),
        slice(weights("transformer.wpe.weight"), 0, 0, length),
      );
      for (const name of names) {
        x = add(x, attention(layerNormalization(x, weights(`${name}.ln_1.weight`)), name, weights, heads));
        const wide = gelu(
          linear(layerNormalization(x, weights(`${name}.ln_2.weight`)), weights(`${name}.mlp.c_fc.weight`)),
        );
        x = add(x, linear(wide, weights(`${name}.mlp.c_proj.weight`)));
      }
      return linear(layerNormalization(x, weights("transformer.ln_f.weight")), weights("lm_head.weight"));
    },
  };
}

function attention(x: Value, name: string, weights: Weights, heads: number): Value {
  const [n, t, c] = x.shape;
  const projected = linear(x, weights(`${name}.attn.c_attn.weight`));
  const [q, k, v] = [0, 1, 2].map((i) =>
    transpose(reshape(slice(projected, 2, i * c, (i + 1) * c), [n, t, heads, c / heads]), [0, 2, 1, 3]),
  );
  const later = tensor("float32", [t, t]);
  for (let i = 0; i < sizeOf([t, t]); i++) later.data[i] = i % t > Math.floor(i / t) ? -1e30 : 0;
  const scores = add(mul(matmul(q, swapLast(k)), 1 / Math.sqrt(c / heads)), x.graph.constant(later));
  const mixed = transpose(matmul(softmax(scores), v), [0, 2, 1, 3]);
  return linear(reshape(mixed, [n, t, c]), weights(`${name}.attn.c_proj.weight`));
}
