// LoRA adapters store two factors for each matrix that they change. The change is the product of the factors.

/**
 * The names of both factors in PEFT, MLX, diffusers, kohya, LyCORIS (LoHa; LoKr, whose factors may themselves be
 * factored) and NeMo. A preceding letter or digit makes it another name.
 */
const factors: readonly (readonly [RegExp, ...string[]])[] = [
  [/(?<![a-z0-9])lora_A\b/i, "lora_B", "lora_b"],
  [/(?<![a-z0-9])lora_embedding_A\b/, "lora_embedding_B"],
  [/(?<![a-z0-9])vera_lambda_b\b/, "vera_lambda_d"],
  [/(?<![a-z0-9])(lora\d*)\.down\b/, "$1.up"],
  [/(?<![a-z0-9])lora_down\b/, "lora_up"],
  [/(?<![a-z0-9])lora_linear_layer\.down\b/, "lora_linear_layer.up"],
  [/(?<![a-z0-9])hada_w1_a\b/, "hada_w1_b"],
  [/(?<![a-z0-9])lokr_w1(?:_a)?\b/, "lokr_w2", "lokr_w2_a"],
  [/\badapter\.linear_in\b/, "adapter.linear_out"],
];

/** The names of two factors of one matrix, if any are among `names`. */
export function findFactors(names: readonly string[]): readonly [string, string] | undefined {
  const known = new Set(names);
  for (const name of names)
    for (const [one, ...others] of factors) {
      const other = one.test(name) ? others.map((to) => name.replace(one, to)).find((to) => known.has(to)) : undefined;
      if (other !== undefined) return [name, other];
    }
  return undefined;
}
