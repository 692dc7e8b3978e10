// A checkpoint under other names, or without some of its tensors.
import { nearest, UserError } from "../core/index.ts";
import { type Checkpoint, find, type TensorInfo } from "./checkpoint.ts";
import { type KeyedFile, keyOption } from "./keys.ts";
import { quote } from "./source.ts";

/** The checkpoint with one more note. */
export const withNote = (checkpoint: Checkpoint, note: string): Checkpoint => ({
  ...checkpoint,
  notes: [...(checkpoint.notes ?? []), note],
});

/** The checkpoint without some of its tensors, which a rewritten copy keeps. */
export const withoutTensors = (checkpoint: Checkpoint, names: ReadonlySet<string>): Checkpoint =>
  selectTensors(
    checkpoint,
    new Map([...checkpoint.tensors.keys()].flatMap((name) => (names.has(name) ? [] : [[name, name] as const]))),
  );

/**
 * Selects the tensors in `names`, which maps each new name to the name in `checkpoint`. A rewritten copy keeps the
 * other tensors. `shapeOf` may give a tensor another shape of the same size.
 */
export function selectTensors(
  checkpoint: Checkpoint,
  names: ReadonlyMap<string, string>,
  shapeOf: (name: string) => readonly number[] | undefined = () => undefined,
): Checkpoint {
  const nameOf = (name: string) => find(checkpoint.path, names, name);
  const tensors = new Map<string, TensorInfo>();
  for (const [name, own] of names) {
    const info = checkpoint.tensors.get(own)!;
    tensors.set(name, { ...info, name, shape: shapeOf(name) ?? info.shape });
  }
  const newNames = new Map([...names].map(([name, own]) => [own, name]));
  const { range, rewrite: _, aliases, sharedOutside, ...rest } = checkpoint;
  const shared = [...names].flatMap(([name, own]) => {
    const outside = sharedOutside?.get(own);
    return outside ? [[name, outside] as const] : [];
  });
  const known = [...(aliases ?? [])].flatMap(([alias, own]): [string, string][] =>
    newNames.has(own) ? [[alias, newNames.get(own)!]] : [],
  );
  return {
    ...rest,
    tensors,
    ...(known.length ? { aliases: new Map(known) } : {}),
    ...(shared.length ? { sharedOutside: new Map(shared) } : {}),
    stored: { checkpoint, nameOf },
    tied: checkpoint.tied
      ?.map((group) => group.flatMap((own) => newNames.get(own) ?? []))
      .filter(({ length }) => length > 1),
    read: async (name) => ({ ...(await checkpoint.read(nameOf(name))), shape: [...tensors.get(name)!.shape] }),
    range: range && ((name) => range(nameOf(name))),
  };
}

/** A tensor's name in the file. */
export function storedName({ stored }: Checkpoint, name: string): string {
  return stored ? storedName(stored.checkpoint, stored.nameOf(name)) : name;
}

/** A tensor's dtype and shape in the file. */
export function storedInfo({ stored, tensors, path }: Checkpoint, name: string): TensorInfo {
  return stored ? storedInfo(stored.checkpoint, stored.nameOf(name)) : find(path, tensors, name);
}

/**
 * Selects the tensors whose names start with `key`, and removes it: in the checkpoint's names, or else in the stored
 * names. Throws {@link UserError} that lists the dictionaries if there are none.
 */
export function selectPrefix(checkpoint: Checkpoint, key: string): Checkpoint {
  const own = [...checkpoint.tensors.keys()];
  for (const nameOf of [(name: string) => name, (name: string) => storedName(checkpoint, name)]) {
    const under = own
      .map((name): [string, string] => [nameOf(name), name])
      .filter(([name]) => name.length > key.length + 1 && /^[./]/.test(name.slice(key.length)) && name.startsWith(key));
    if (under.length) {
      const names = new Map(under.map(([n, name]) => [n.slice(key.length + 1), name]));
      return selectTensors(withSharedOutside(checkpoint, new Set(names.values())), names);
    }
  }
  const parents = own.flatMap((name) => /^([^./]+)[./]/.exec(name)?.[1] ?? []);
  throw unknownKey(
    checkpoint.path,
    key,
    [...new Set([...(checkpoint.dictionaries ?? []), ...parents])],
    checkpoint.end,
  );
}

/** Marks the tensors `names` that are tied to others. */
function withSharedOutside(checkpoint: Checkpoint, names: ReadonlySet<string>): Checkpoint {
  const shared = new Map(checkpoint.sharedOutside);
  for (const group of checkpoint.tied ?? []) {
    const others = group.filter((name) => !names.has(name)).map((name) => storedName(checkpoint, name));
    if (others.length === 0) continue;
    for (const name of group) if (names.has(name)) shared.set(name, [...(shared.get(name) ?? []), ...others]);
  }
  return shared.size ? { ...checkpoint, sharedOutside: shared } : checkpoint;
}

/** The error for a key that a file does not contain; `found` lists what it contains. */
export function unknownKey(path: string, key: string, found: readonly string[], end?: KeyedFile): UserError {
  const has = found.length
    ? `${suggest(key, found)}It contains ${listAll(found.map(quote))}. Choose one of these with ${keyOption("NAME", end)}`
    : "It is a plain state dict. Omit --key";
  return new UserError(
    `${path} has no dictionary ${quote(key)}, and no tensor names that start with it. ${has}, or set it for the other file only with ${keyOption(key, end === "a" ? "b" : "a")}.`,
  );
}

/** Dictionaries in others are found by their last name too. */
function suggest(key: string, found: readonly string[]): string {
  const near = found.find((name) => name.endsWith(`.${key}`)) ?? nearest(key, found);
  return near === undefined || found.length === 1 ? "" : `Did you mean ${quote(near)}? `;
}

const listAll = (items: readonly string[]): string =>
  items.length > 20 ? `${items.slice(0, 20).join(", ")} and ${items.length - 20} more` : items.join(", ");
