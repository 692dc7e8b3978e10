// A GPT with nanoGPT's names: pre-norm blocks, no biases, output tied to the embedding. Tokens [batch, T] give logits
// [batch, T, classes]. A checkpoint's shapes give every size except `heads`.
import { UserError } from "../core/index.ts";
import {
  add,
  causalMask,
  gather,
  gelu,
  layerNormalization,
  linear,
  matmul,
  mul,
  reshape,
  slice,
  softmax,
  swapLast,
  transpose,
  type Value,
} from "../graph/index.ts";
import { constant, normal } from "./initialise.ts";
import type { Model, Network, Parameter, Sizes, Weights } from "./model.ts";

const blockNames = (blocks: number) => Array.from({ length: blocks }, (_, i) => `transformer.h.${i}`);

function parameters({ blocks, dim, context, classes }: Sizes): Parameter[] {
  const matrix = (name: string, shape: readonly number[], deviation = 0.02): Parameter => ({
    name: `${name}.weight`,
    shape,
    initial: normal(deviation),
  });
  const scale = (name: string): Parameter => ({ name: `${name}.weight`, shape: [dim], initial: constant(1) });
  const residual = 0.02 / Math.sqrt(2 * blocks); // smaller, since 2 x blocks of them are added up (GPT-2)
  return [
    matrix("transformer.wte", [classes, dim]),
    matrix("transformer.wpe", [context, dim]),
    ...blockNames(blocks).flatMap((name) => [
      scale(`${name}.ln_1`),
      matrix(`${name}.attn.c_attn`, [3 * dim, dim]),
      matrix(`${name}.attn.c_proj`, [dim, dim], residual),
      scale(`${name}.ln_2`),
      matrix(`${name}.mlp.c_fc`, [4 * dim, dim]),
      matrix(`${name}.mlp.c_proj`, [dim, 4 * dim], residual),
    ]),
    scale("transformer.ln_f"),
    matrix("lm_head", [classes, dim]),
  ];
}

function forward(ids: Value, weights: Weights, { blocks, heads }: Sizes): Value {
  const weight = (name: string) => weights(`${name}.weight`);
  let x = add(gather(weight("transformer.wte"), ids, 0), slice(weight("transformer.wpe"), 0, 0, ids.shape[1]));
  for (const name of blockNames(blocks)) {
    x = add(x, attention(layerNormalization(x, weight(`${name}.ln_1`)), name, weight, heads));
    const wide = gelu(linear(layerNormalization(x, weight(`${name}.ln_2`)), weight(`${name}.mlp.c_fc`)));
    x = add(x, linear(wide, weight(`${name}.mlp.c_proj`)));
  }
  return linear(layerNormalization(x, weight("transformer.ln_f")), weight("lm_head"));
}

function attention(x: Value, name: string, weight: Weights, heads: number): Value {
  const [n, t, c] = x.shape;
  const joined = weight(`${name}.attn.c_attn`);
  // slice the weight, not the product: then the gradients are concatenated at the weight's size
  const [q, k, v] = [0, 1, 2].map((i) =>
    transpose(reshape(linear(x, slice(joined, 0, i * c, (i + 1) * c)), [n, t, heads, c / heads]), [0, 2, 1, 3]),
  );
  const scores = add(mul(matmul(q, swapLast(k)), 1 / Math.sqrt(c / heads)), causalMask(x.graph, x.dtype, t));
  const mixed = transpose(matmul(softmax(scores), v), [0, 2, 1, 3]);
  return linear(reshape(mixed, [n, t, c]), weight(`${name}.attn.c_proj`));
}

export const gpt: Network = {
  name: "gpt",
  title: "GPT with nanoGPT's names, no biases, output tied to the embedding",
  input: { dtype: "int64", kind: "tokens" },
  sizes: { blocks: 12, heads: 4, dim: 128, context: 256, classes: 96 },
  readSizes(shapes) {
    let blocks = 0;
    while (shapes(`transformer.h.${blocks}.ln_1.weight`)) blocks++;
    const [classes, dim] = shapes("lm_head.weight") ?? shapes("transformer.wte.weight") ?? [];
    return { blocks: blocks || undefined, dim, classes, context: shapes("transformer.wpe.weight")?.[0] };
  },
  build(sizes): Model {
    const { dim, heads } = sizes;
    if (dim % heads)
      throw new UserError(`A GPT of width ${dim} cannot have ${heads} heads. Set --heads to a divisor of ${dim}.`);
    return {
      name: "gpt",
      sizes,
      parameters: parameters(sizes),
      tied: [["transformer.wte.weight", "lm_head.weight"]],
      forward: ({ input }, weights) => forward(input, weights, sizes),
    };
  },
};
