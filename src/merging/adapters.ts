// LoRA adapters store two factors for each matrix that they change. The change is the product of the factors, so
// averaging the factors does not average the changes.

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

/** A note if both factors of a matrix are averaged. */
export function noteOfAdapters(averaged: readonly string[]): string[] {
  const names = new Set(averaged);
  const other = (name: string) =>
    factors.flatMap(([one, ...to]) => (one.test(name) ? to.map((other) => name.replace(one, other)) : []));
  const pairs = averaged.flatMap((name) => other(name).flatMap((to) => (names.has(to) ? [[name, to]] : [])));
  if (pairs.length === 0) return [];
  const [one, to] = pairs[0];
  return [
    `The average of an adapter's factors (${one} and ${to}) is not the average of the adapters, which are their products. Merge each adapter into its base network and average those (in PEFT: merge_and_unload), or combine the adapters (in PEFT: add_weighted_adapter with combination_type "cat").`,
  ];
}
