// Formats numbers: with a sign, a true minus, and the significant digits.

/** +1.61, −0.02; "not finite" for null. */
export function signed(value: number | null = null, digits = 2): string {
  if (value === null || !Number.isFinite(value)) return "not finite";
  const text = Math.abs(value).toFixed(digits);
  return `${Number(text) === 0 ? "" : value < 0 ? "−" : "+"}${text}`;
}

/** A barrier in at most four characters for a heatmap: +1.6, +.52, −.03, .00, +67; ∞ for null. */
export function short(value: number | null): string {
  if (value === null) return "∞";
  const size = Math.abs(value);
  const digits = size >= 9.95 ? 0 : size >= 0.995 ? 1 : 2;
  const text = size.toFixed(digits).replace(/^0\./, ".");
  return `${Number(text) === 0 ? "" : value < 0 ? "−" : "+"}${text}`;
}

/** An unsigned number with at most `digits` significant digits. */
export function plain(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return "not finite";
  return String(Number(value.toPrecision(digits)));
}
