// An optimiser's state in the same dictionary as the weights: optax's `opt/0/mu/…` next to `params/…`,
// `optimizer.state.fc.weight.exp_avg`, TensorFlow's `fc/kernel/Adam`. It is not part of the network and is left
// unchanged, as are the counters and times that training programs write with it.
import { type Checkpoint, withNote, withoutTensors } from "../../checkpoints/index.ts";
import { listSome, sizeOf } from "../../core/index.ts";
import type { Named } from "./spellings.ts";

/** Name components that only an optimiser's state has. */
const isOptimiser = (part: string): boolean =>
  /^(optimi[sz]er\w*|optim(_?states?)?|opt_?states?|param_states)$/i.test(part);
/** Moments of optax, big_vision and PyTorch under `opt`, which on its own could be part of a network. */
const moments = /^(mu|nu|m|v|trace|momentum|exp_avg\w*|max_exp_avg_sq|momentum_buffer)$/;
/** Pairs of moments that are followed by the network's names. */
const pairs: Readonly<Record<string, string>> = { mu: "nu", exp_avg: "exp_avg_sq" };
/** Components after a weight's name: PyTorch's states and TensorFlow's slots. */
const slots =
  /^(exp_avg|exp_avg_sq|exp_inf|max_exp_avg_sq|momentum_buffer|square_avg|adam|adam_1|adam_m|adam_v|momentum|rmsprop|rmsprop_1|adagrad)$/i;
/** Caffe2's suffixes: `conv1_w_momentum` beside `conv1_w`. */
const suffix = /_(momentum|first_moment|second_moment|squared_sum)$/;

/** Paddle's suffixes: `linear_0.w_0_moment1_0`. */
const accumulator =
  /_(moment[12]?(_max)?|velocity|inf_norm|mean_(square|grad)|avg_squared_(grad|update)|beta[12]_pow_acc)_\d+$/;

interface Name {
  readonly name: string;
  readonly parts: readonly string[];
  readonly shape: string;
  readonly isSingle: boolean;
}

/** The names of an optimiser's state and its counters; none if the file contains no network besides it. */
export function optimiserNames({ tensors }: Pick<Named, "tensors">): string[] {
  const all = [...tensors].map(([name, { shape }]): Name => {
    return { name, parts: name.split(/[./]/), shape: String(shape), isSingle: sizeOf(shape) <= 1 };
  });
  const states = new Set([...namedStates(all), ...slotsOf(all), ...pairedMoments(all)]);
  const large = all.filter((one) => !states.has(one) && !one.isSingle);
  if (states.size === 0 || large.length === 0) return [];
  const [holder] = large[0].parts;
  const isHeld = large.every(({ parts }) => parts.length > 1 && parts[0] === holder);
  const isBeside = ({ parts, isSingle }: Name) =>
    isSingle && (parts.at(-1) === "lr" || (isHeld && parts[0] !== holder));
  return all.filter((one) => states.has(one) || isBeside(one)).map(({ name }) => name);
}

/** The names of an optimiser's state that is all of a file; none if it was requested with a key. */
function statesAlone({ tensors, key }: Checkpoint): string[] {
  const names = [...tensors.values()].filter(({ shape }) => sizeOf(shape) > 1).map(({ name }) => name);
  const isState = (name: string) => accumulator.test(name) || (/[./]/.test(name) && slots.test(lastOf(name)));
  return key === undefined && names.every(isState) ? names : [];
}

const lastOf = (name: string): string => name.split(/[./]/).at(-1)!;

/** Names under a component that names an optimiser. */
function namedStates(all: readonly Name[]): Name[] {
  const isOpt = ({ parts }: Name) =>
    parts.includes("opt") && parts.slice(parts.indexOf("opt")).some((p) => moments.test(p));
  const opts = new Set(all.filter(isOpt).map(({ parts }) => parts.slice(0, parts.indexOf("opt") + 1).join("/")));
  const isUnderOpt = ({ parts }: Name) =>
    parts.some((part, i) => part === "opt" && opts.has(parts.slice(0, i + 1).join("/")));
  return all.filter((one) => one.parts.some(isOptimiser) || isUnderOpt(one) || accumulator.test(one.name));
}

/** All suffixes of a name that start at a component, each with the shape. */
const endsOf = ({ parts, shape }: Name): string[] => parts.map((_, i) => `${parts.slice(i).join("/")} ${shape}`);

/** `fc.weight.exp_avg` if there is `fc.weight`, and `fc_w_momentum` if there is `fc_w`. */
function slotsOf(all: readonly Name[]): Name[] {
  const weightOf = ({ parts }: Name): string | undefined => {
    if (parts.length > 1 && slots.test(parts.at(-1)!)) return parts.slice(0, -1).join("/");
    return suffix.test(parts.at(-1)!) ? parts.join("/").replace(suffix, "") : undefined;
  };
  const found = all.filter((one) => weightOf(one) !== undefined);
  if (found.length === 0) return [];
  const ends = new Set(all.flatMap(endsOf));
  return found.filter((one) => ends.has(`${weightOf(one)} ${one.shape}`));
}

/** `mu/…` and `nu/…` followed by the same names, which weights have too, at any level. */
function pairedMoments(all: readonly Name[]): Name[] {
  const groups = new Map<string, Map<string, Name>>(); // by the name up to the moment: the rest of each name
  for (const one of all)
    one.parts.forEach((part, i) => {
      if (i + 1 === one.parts.length || !Object.entries(pairs).flat().includes(part)) return;
      const front = one.parts.slice(0, i + 1).join("/");
      if (!groups.has(front)) groups.set(front, new Map());
      groups.get(front)!.set(`${one.parts.slice(i + 1).join("/")} ${one.shape}`, one);
    });
  return [...groups].flatMap(([front, own]) => {
    const first = front.split("/").at(-1)!;
    const others = first in pairs ? groups.get(front.slice(0, -first.length) + pairs[first]) : undefined;
    if (!others || others.size !== own.size || ![...own.keys()].every((rest) => others.has(rest))) return [];
    const both = new Set([...own.values(), ...others.values()]);
    const weights = new Set(all.filter((one) => !both.has(one)).flatMap(endsOf));
    return [...own.keys()].every((rest) => weights.has(rest)) ? [...both] : [];
  });
}

/** A file without an optimiser's state; a rewritten copy keeps it. */
export function withoutOptimiser(file: Checkpoint): Checkpoint {
  const states = new Set(optimiserNames(file));
  if (states.size === 0) {
    const alone = statesAlone(file);
    if (alone.length === 0) return file;
    const note = `${file.path} contains the state of an optimiser, not weights: ${listSome(alone, 3)}. Give the network's file instead.`;
    return withNote(file, note);
  }
  const note = `${file.path} also contains an optimiser's state, left unchanged: ${listSome(states, 3)}.`;
  return withNote(withoutTensors(file, states), note);
}
