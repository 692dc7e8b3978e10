// The settings of a network as readable names with values, by which two folders are compared.

/** The values at the ends of an object's branches, by their paths; of functions of a text's length what they give up to twice the longest. */
export function leavesOf(value: unknown, longest: number): Map<string, string> {
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

/** The first value of a function of a length, its last ones, and the length from which it is another one than at first. */
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
