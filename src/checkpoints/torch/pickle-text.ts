// Values that pickle protocol 0 writes as lines of text.

type Fault = (what: string) => Error;

export function parseInteger(digits: string, fault: Fault): number | bigint {
  if (!/^[+-]?\d{1,2500}$/.test(digits))
    throw fault(`its pickle contains ${JSON.stringify(digits.slice(0, 20))} instead of a number`);
  const value = BigInt(digits);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

export function parseFloating(digits: string, fault: Fault): number {
  const special = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, "-inf": Number.NEGATIVE_INFINITY }[digits];
  if (special !== undefined) return special;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits))
    throw fault(`its pickle contains ${JSON.stringify(digits.slice(0, 20))} instead of a number`);
  return Number(digits);
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  "\n": "",
};

/** Decodes a Python 2 string literal. */
export function unescapeString(text: string, fault: Fault): string {
  const [, , inner] = /^(['"])(.*)\1$/s.exec(text) ?? [];
  if (inner === undefined) throw fault("a string in its pickle has no quotes");
  return inner.replace(/\\(x[\da-f]{2}|[0-7]{1,3}|.)/gis, (_, code: string) => {
    if (/^x/i.test(code) && code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return escapes[code] ?? code;
  });
}

/** Decodes Python's raw-unicode-escape. */
export function unescapeUnicode(text: string): string {
  return text.replace(/\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})/g, (whole, four?: string, eight?: string) => {
    const code = Number.parseInt(four ?? eight!, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
