// Maps names that version 5 of transformers uses in memory (and on request in files) to the usual names in files.

/** For ViT and similar networks: `layers.0.attention.q_proj` is `encoder.layer.0.attention.attention.query`. */
export const newNames: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)layers\.(\d+)\./, "$1encoder.layer.$2."],
  [/\.attention\.q_proj\./, ".attention.attention.query."],
  [/\.attention\.k_proj\./, ".attention.attention.key."],
  [/\.attention\.v_proj\./, ".attention.attention.value."],
  [/\.attention\.o_proj\./, ".attention.output.dense."],
];

/** The same, for networks whose MLP halves have no separate names. */
export const newNamesOfMlp: typeof newNames = [
  ...newNames,
  [/\.mlp\.fc1\./, ".intermediate.dense."],
  [/\.mlp\.fc2\./, ".output.dense."],
];
