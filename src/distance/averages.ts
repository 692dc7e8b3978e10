// Moving averages in the same dictionary as the weights: ema-pytorch's `ema_model.fc.weight` next to
// `online_model.fc.weight`, mmcv's `ema_fc_weight` next to `fc.weight`. They are compared and averaged like other
// weights, so a note points them out.
import { isAverageName } from "../checkpoints/index.ts";
import { listSome } from "../core/index.ts";

/** A name without separators: mmcv and latent diffusion write a moving average's names without dots. */
const squeezed = (name: string) => name.replace(/[./_]/g, "");

/**
 * A moving average's name without the component, or part of one, that marks it as an average; undefined for other
 * names.
 */
function originalOf(name: string): string | undefined {
  const parts = name.split(/[./]/);
  const at = parts.findIndex(isAverageName);
  if (at < 0) return undefined;
  const rest = at === parts.length - 1 ? [parts[at].replace(/(^|_)ema(_|$)/i, "")] : parts.slice(at + 1);
  return squeezed(rest.join("")) || undefined;
}

/** A note if the names contain both the weights and a moving average of at least half of them. */
export function notesOfAverages(path: string, names: Iterable<string>): string[] {
  const averages = new Map<string, string>();
  const others: string[] = [];
  for (const name of names) {
    const original = originalOf(name);
    if (original === undefined) others.push(name);
    else averages.set(name, original);
  }
  if (averages.size === 0 || others.length === 0) return [];
  const ends = new Map(others.flatMap((name) => endsOf(name).map((end) => [end, name])));
  const copies = [...averages].filter(([, original]) => ends.has(original));
  if (2 * copies.length < Math.max(others.length, averages.size)) return [];
  const parts = new Set(copies.map(([, original]) => /^(?:[^./]+(?=[./]))?/.exec(ends.get(original)!)![0]));
  const [part] = parts;
  const advice = parts.size === 1 && part !== "" ? ` To exclude it, use --key ${part}.` : "";
  return [
    `${path} also contains a moving average of the weights (${listSome(
      copies.map(([name]) => name),
      3,
    )}), which is treated like other weights.${advice}`,
  ];
}

/** All suffixes of a name that start at a component. */
function endsOf(name: string): string[] {
  const parts = name.split(/[./]/);
  return parts.map((_, i) => squeezed(parts.slice(i).join("")));
}
