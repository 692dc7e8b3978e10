// The settings of a network as a flat list of names and values, used to compare two folders.

/**
 * Lists an object's leaf values by their paths. A function of the text's length is sampled up to twice the longest
 * text.
 */
export function flattenSettings(value: unknown, longest: number): Map<string, string> {
  const found = new Map<string, string>();
  addLeaves(found, value, "", longest);
  return found;
}

function addLeaves(found: Map<string, string>, value: unknown, path: string, longest: number): void {
  if (typeof value === "function")
    found.set(
      path,
      sampled((length) => JSON.stringify(value(length)), longest),
    );
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value)) addLeaves(found, inner, path ? `${path}.${key}` : key, longest);
  else if (value !== undefined) found.set(path, String(value));
}

/** The first and the last values of a function of a length, and the length at which it first changes. */
function sampled(at: (length: number) => string, longest: number): string {
  const first = at(1);
  let [same, other] = [1, longest];
  while (at(other) !== first && other - same > 1) {
    const middle = (same + other) >> 1;
    if (at(middle) === first) same = middle;
    else other = middle;
  }
  return [first, at(longest), at(2 * longest), at(other) === first ? "" : other].join(" ");
}
