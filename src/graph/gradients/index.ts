// The table of gradient rules, one rule per operation, by family as in ../ops.
import { convolutionRules } from "./convolution.ts";
import { elementwiseRules } from "./elementwise.ts";
import { indexingRules } from "./indexing.ts";
import { linearRules } from "./linear.ts";
import { normalisationRules } from "./normalisation.ts";
import { poolingRules } from "./pooling.ts";
import { reductionRules } from "./reduction.ts";
import type { Rule } from "./rule.ts";
import { shapeRules } from "./shape.ts";

export const rules: Readonly<Record<string, Rule>> = {
  ...elementwiseRules,
  ...reductionRules,
  ...linearRules,
  ...shapeRules,
  ...indexingRules,
  ...convolutionRules,
  ...poolingRules,
  ...normalisationRules,
};
