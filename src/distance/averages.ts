// Moving averages among the names of one dictionary: ema-pytorch's `ema_model.fc.weight` beside `online_model.fc.weight`, mmcv's `ema_fc_weight` beside
// `fc.weight`. They are compared and averaged like all else, so that a file stays what it was; a reader of the totals must know.
import { isAverageName } from "../checkpoints/index.ts";
import { listSome } from "../core/index.ts";

/** A name without what sets its components off: mmcv and latent diffusion write a moving average's without dots. */
const squeezed = (name: string) => name.replace(/[./_]/g, "");

/** What is left of a moving average's name without the component, or the beginning of one, that says so; undefined for others. */
function originalOf(name: string): string | undefined {
  const parts = name.split(/[./]/);
  const at = parts.findIndex(isAverageName);
  if (at < 0) return undefined;
  const rest = at === parts.length - 1 ? [parts[at].replace(/(^|_)ema(_|$)/i, "")] : parts.slice(at + 1);
  return squeezed(rest.join("")) || undefined;
}

/** A note where names hold a moving average beside the weights that it is of, of which it has at least half. */
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
  const advice = parts.size === 1 && part !== "" ? ` To leave it out, give --key ${part}.` : "";
  return [
    `${path} has a moving average of the weights beside them (${listSome(
      copies.map(([name]) => name),
      3,
    )}), which counts like other weights.${advice}`,
  ];
}

/** A name from each of its components on. */
function endsOf(name: string): string[] {
  const parts = name.split(/[./]/);
  return parts.map((_, i) => squeezed(parts.slice(i).join("")));
}
