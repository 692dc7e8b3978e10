// Wraps text.

/** Longer lines are hard to read. */
const longest = 120;

/** Wraps at spaces to the terminal's width minus `used`; lines after the first begin with `indent`. */
export function wrapped(text: string, indent: string, used = 4): string {
  const width = Math.min(process.stdout.columns ?? 80, longest) - used;
  const lines = [""];
  for (const word of text.split(" ")) {
    if (`${lines.at(-1)} ${word}`.length > width && lines.at(-1)?.trim()) lines.push(indent);
    lines[lines.length - 1] += `${lines.at(-1)?.trim() ? " " : ""}${word}`;
  }
  return lines.join("\n");
}
