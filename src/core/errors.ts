// The two kinds of error that a user may see. Any other exception is a bug in layerwise.

/**
 * An error that the user can fix. The message says what is wrong, in which file, and what to do. Everything else that
 * is thrown is a bug.
 * @example
 * ```ts
 * import { compareFiles, UserError } from "layerwise";
 *
 * const error = await compareFiles("rings-a.safetensors", "missing.pt").catch((error) => error);
 * console.log(error instanceof UserError); // true
 * ```
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
}

/** The command line is wrong. Exit status 2. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
}

/** A list for an error message: the first `limit` items, then the number of the others. */
export function listSome(items: Iterable<string>, limit = 5): string {
  const all = [...items];
  const rest = all.length - limit;
  return all.slice(0, limit).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/**
 * The known word nearest to `word` by edit distance, to suggest in an error; undefined when none is close. A word that
 * starts with `word` is close.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(0.4 * word.length)) + 1;
  for (const candidate of known) {
    const [own, other] = [word.toLowerCase(), candidate.toLowerCase()];
    const distance = own.length > 1 && other.startsWith(own) ? 0.5 : editDistance(own, other);
    if (distance < least && distance < own.length) [best, least] = [candidate, distance];
  }
  return best;
}

/** The number of edits (insert, delete, replace, swap two neighbours) that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, replaced, isSwap ? before[j - 2] + 1 : Number.POSITIVE_INFINITY));
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
