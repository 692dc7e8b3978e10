// The settings of a network as readable names with values, by which two folders are compared.

/** The values at the ends of an object's branches, by their paths; functions of a length at the longest text. */
export function leavesOf(value: unknown, longest = 0): Map<string, string> {
  const found = new Map<string, string>();
  addLeaves(found, value, "", longest);
  return found;
}

function addLeaves(found: Map<string, string>, value: unknown, path: string, longest: number): void {
  if (typeof value === "function") found.set(path, JSON.stringify(value(longest)));
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value)) addLeaves(found, inner, path ? `${path}.${key}` : key, longest);
  else if (value !== undefined) found.set(path, String(value));
}
