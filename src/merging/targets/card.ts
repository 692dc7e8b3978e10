// The model card of a merged folder: README.md, with the hub's metadata as front matter.
import { basename, resolve } from "node:path";
import { stringify } from "yaml";
import { signed } from "../../core/index.ts";
import { hubNameOf, type ModelFolder } from "../../hub/index.ts";
import type { MergeRecord } from "../record.ts";

export interface CardOptions {
  /** The command line of the merge. */
  readonly command?: string;
  /** The samples that the merge was measured on. */
  readonly measure?: { readonly data: { readonly name: string; readonly context?: number } };
}

/** The text of README.md. */
export function modelCard(ends: readonly ModelFolder[], record: MergeRecord, options: CardOptions): string {
  const { out, base, averaged, parameters } = record;
  const models = ends.map(nameOf);
  // the hub accepts only its own model names
  const known = ends.flatMap((end) => hubNameOf(end.path) ?? []);
  const front = {
    ...(known.length ? { base_model: [...new Set(known)] } : {}),
    library_name: "transformers",
    tags: ["merge", "layerwise"],
  };
  const share = ((100 * parameters.averaged) / Math.max(1, parameters.all)).toFixed(1);
  const rest = base === "a" ? models[0] : models[1];
  const layers = Object.entries(averaged);
  const isKept = record.kept.length > 0;
  return [
    `---\n${stringify(front)}---`,
    `# ${basename(resolve(out.path))}`,
    `A merge of a = ${models[0]} and b = ${models[1]}, written by layerwise: ${layers.length} of ${layers.length + record.kept.length} layers, ${share} % of the parameters, are averaged${isKept ? `; the others come from ${rest}` : ""}.`,
    ...measured(record, options),
    ...(layers.length ? [table(record)] : []),
    ...(options.command ? [`## Command\n\n\`\`\`sh\n${options.command}\n\`\`\``] : []),
    "`merge.json` records what was merged.",
    "",
  ].join("\n\n");
}

const nameOf = ({ path }: ModelFolder): string => {
  const name = hubNameOf(path);
  return name ? `[${name}](https://huggingface.co/${name})` : `\`${path}\``;
};

const fixed = (value: number | null | undefined, digits = 4) =>
  value === null || value === undefined ? "–" : value.toFixed(digits);

const barrier = (value: number | null | undefined, digits = 4) =>
  value === null || value === undefined ? "–" : signed(value, digits);

function measured({ checked, budget }: MergeRecord, { measure }: CardOptions): string[] {
  if (!checked) return [];
  const { samples, loss, error, loss_barrier, error_barrier } = checked;
  const limit = budget ? ` The budget was ${budget.limit} (${budget.metric}).` : "";
  return [
    `On ${samples} samples of \`${measure?.data.name}\` the loss of this model is ${fixed(loss)} nats (barrier ${barrier(loss_barrier)}: the difference from the mean of the two models), the error ${fixed(error, 1)} % (barrier ${barrier(error_barrier, 1)} points).${limit}`,
  ];
}

/** Alpha of each layer, and its single-layer barrier if a budget measured it. */
function table({ averaged, kept, base, budget }: MergeRecord): string {
  const rest = base === "a" ? 0 : 1;
  const rows = [...Object.entries(averaged), ...kept.map((name) => [name, rest] as const)];
  const singles = budget?.singles;
  const head = singles ? ["layer", "alpha", `single-layer ${budget.metric} barrier`] : ["layer", "alpha"];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(head),
    line(head.map(() => "---")),
    ...rows.map(([name, alpha]) => line([name, String(alpha), ...(singles ? [barrier(singles[name])] : [])])),
  ].join("\n");
}
