import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../test/checkpoints.ts";
import { decodeText, readText } from "./text.ts";

const utf16 = (text: string, mark = true) => Buffer.from((mark ? "\uFEFF" : "") + text, "utf16le");

it("reads UTF-8, and removes a byte order mark", async () => {
  expect(decodeText(Buffer.from("\uFEFFnaïve\n\uFEFFb"), "x")).toBe("naïve\n\uFEFFb");
  expect(decodeText(new Uint8Array(0), "x")).toBe("");
  const path = join(temporaryFolder(), "x.txt");
  writeFileSync(path, "\uFEFFa");
  expect(await readText(path)).toBe("a");
  await expect(readText(`${path}.none`)).rejects.toThrow("there is no such file");
});

it.each([
  ["UTF-16", utf16("a text")],
  ["UTF-16", utf16("a text").swap16()],
  ["UTF-16LE", utf16("a text\nof Ω lines", false)],
  ["UTF-16BE", utf16("a text", false).swap16()],
  ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 97, 0, 0, 0])],
])("refuses %s, and says how to convert it", (name, bytes) => {
  expect(() => decodeText(bytes, "x.txt")).toThrow(
    `x.txt is ${name} text, but layerwise reads UTF-8. Convert it, for example with iconv -f ${name} -t UTF-8, and use the copy.`,
  );
});

it("refuses other encodings, and names the line", () => {
  const fault = (line: number) =>
    `x.txt is not UTF-8 text: line ${line} has bytes in another encoding. Convert it, for example with iconv -f WINDOWS-1252 -t UTF-8`;
  expect(() => decodeText(Buffer.from("a\nb\ncafé\nd", "latin1"), "x.txt")).toThrow(fault(3));
  expect(() => decodeText(Buffer.from("é", "latin1"), "x.txt")).toThrow(fault(1));
  // cut in the middle of a character
  expect(() => decodeText(Buffer.from("Ω").subarray(0, 1), "x.txt", 7)).toThrow(fault(7));
});
