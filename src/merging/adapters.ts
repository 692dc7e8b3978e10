// The average of an adapter's factors is not the average of what the adapters change.
import { findFactors } from "../models/index.ts";

/** A note if both factors of a matrix are averaged. */
export function noteOfAdapters(averaged: readonly string[]): string[] {
  const found = findFactors(averaged);
  if (!found) return [];
  const [one, to] = found;
  return [
    `The average of an adapter's factors (${one} and ${to}) is not the average of the adapters, which are their products. Merge each adapter into its base network and average those (in PEFT: merge_and_unload), or combine the adapters (in PEFT: add_weighted_adapter with combination_type "cat").`,
  ];
}
