// Moving averages in the same dictionary as the weights: ema-pytorch's `ema_model.fc.weight` next to
// `online_model.fc.weight`, mmcv's `ema_fc_weight` next to `fc.weight`. They are compared and averaged like other
// weights, so a note points them out; one that only one file has is left out.
import { type Checkpoint, isAverageName, withNote, withoutTensors } from "../checkpoints/index.ts";
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

interface Averages {
  /** Every name that is marked as an average. */
  readonly marked: readonly string[];
  /** Those of weights among the other names. */
  readonly copies: readonly string[];
  /** Names that are not averages. */
  readonly others: readonly string[];
  /** The first components of the weights that have an average; empty for a name with one component. */
  readonly parts: readonly string[];
}

/** The moving averages among names that contain both the weights and an average of at least half of them. */
function findAverages(names: Iterable<string>): Averages | undefined {
  const marked = new Map<string, string>();
  const others: string[] = [];
  for (const name of names) {
    const original = originalOf(name);
    if (original === undefined) others.push(name);
    else marked.set(name, original);
  }
  if (marked.size === 0 || others.length === 0) return undefined;
  const ends = new Map(others.flatMap((name) => endsOf(name).map((end) => [end, name])));
  const copies = [...marked].filter(([, original]) => ends.has(original));
  if (2 * copies.length < Math.max(others.length, marked.size)) return undefined;
  const parts = new Set(copies.map(([, original]) => partOf(ends.get(original)!)));
  return { marked: [...marked.keys()], copies: copies.map(([name]) => name), others, parts: [...parts] };
}

/** The first of several components. */
const partOf = (name: string) => /^(?:[^./]+(?=[./]))?/.exec(name)![0];

/**
 * A note if the names contain both the weights and a moving average. `isSingle` is true for tensors with one element,
 * such as the number of updates.
 */
export function notesOfAverages(path: string, names: Iterable<string>, isSingle: (name: string) => boolean): string[] {
  const found = findAverages(names);
  if (!found) return [];
  const { copies, others, parts } = found;
  const [part] = parts;
  const isWhole = parts.length === 1 && part !== "" && others.every((name) => partOf(name) === part || isSingle(name));
  const advice = isWhole ? ` To exclude it, use --key ${part}.` : "";
  return [
    `${path} also contains a moving average of the weights (${listSome(copies, 3)}), which is treated like other weights.${advice}`,
  ];
}

/** The file without a moving average of its weights that the other file does not contain. */
export function withoutAverages(file: Checkpoint, other: Checkpoint): Checkpoint {
  const found = findAverages(file.tensors.keys());
  if (!found || findAverages(other.tensors.keys()) || found.marked.some((name) => other.tensors.has(name))) return file;
  const { marked, copies } = found;
  const note = `${file.path} also contains a moving average of the weights, which ${other.path} does not, so it is left unchanged: ${listSome(copies, 3)}.`;
  return withNote(withoutTensors(file, new Set(marked)), note);
}

/** All suffixes of a name that start at a component. */
function endsOf(name: string): string[] {
  const parts = name.split(/[./]/);
  return parts.map((_, i) => squeezed(parts.slice(i).join("")));
}
