// LoRA adapters: two factors for each matrix that they change. The change is their product, so the average of each factor is not the average of the changes.

/** The names of both factors: PEFT's, MLX's, diffusers', kohya's. */
const factors: readonly (readonly [RegExp, string])[] = [
  [/\blora_A\b/, "lora_B"],
  [/\blora_a\b/, "lora_b"],
  [/\blora_embedding_A\b/, "lora_embedding_B"],
  [/\blora\.down\b/, "lora.up"],
  [/\blora_down\b/, "lora_up"],
  [/\blora_linear_layer\.down\b/, "lora_linear_layer.up"],
  [/\bhada_w1_a$/, "hada_w1_b"],
  [/\blokr_w1$/, "lokr_w2"],
];

/** A note where both factors of a matrix are among the averaged tensors. */
export function noteOfAdapters(averaged: readonly string[]): string[] {
  const names = new Set(averaged);
  const other = (name: string) => factors.flatMap(([one, to]) => (one.test(name) ? [name.replace(one, to)] : []));
  const pairs = averaged.flatMap((name) => other(name).flatMap((to) => (names.has(to) ? [[name, to]] : [])));
  if (pairs.length === 0) return [];
  const [one, to] = pairs[0];
  return [
    `The average of an adapter's factors (${one} and ${to}) is not the average of the adapters, which are their products. Merge each adapter into its base network and average those (in PEFT: merge_and_unload), or combine the adapters (in PEFT: add_weighted_adapter with combination_type "cat").`,
  ];
}
