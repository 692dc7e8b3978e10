// How a command chooses the dictionary of one of its files: --key NAME for all of them, --key a=NAME for one.

/** The dictionaries to use from files with several. */
export type Keys = Partial<Record<"a" | "b" | "init", string>>;

/** A file of a command that may have a key: an end, or the common initialisation. */
export type KeyedFile = keyof Keys;

/** The dictionary of one file, and which of the command's files it is. */
export interface KeyChoice {
  readonly key?: string;
  readonly end?: KeyedFile;
}

/** The options to open a file with its key. */
export const withKey = (keys: Keys, end: KeyedFile): KeyChoice => ({ key: keys[end], end });

/** The option that chooses a dictionary of a file, for an error about that file. */
export const keyOption = (key: string, end?: KeyedFile): string => `--key ${end ? `${end}=` : ""}${key}`;
