// Wraps text.

/** The width of the terminal in characters; 80 where it is unknown. */
export const terminalWidth = (): number => process.stdout.columns || Number(process.env.COLUMNS) || 80;

/** Longer lines are hard to read. */
const longest = 120;

/** Wraps at spaces to the terminal's width minus `used`; lines after the first begin with `indent`. */
export function wrapped(text: string, indent: string, used = 4): string {
  const width = Math.min(terminalWidth(), longest) - used;
  const lines = [""];
  for (const word of text.split(" ")) {
    if (`${lines.at(-1)} ${word}`.length > width && lines.at(-1)?.trim()) lines.push(indent);
    lines[lines.length - 1] += `${lines.at(-1)?.trim() ? " " : ""}${word}`;
  }
  return lines.join("\n");
}
