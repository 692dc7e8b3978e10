import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../../test/checkpoints.ts";
import { makeCheckpoint } from "../checkpoint.ts";
import { notesOfSharedFiles } from "./shared-files.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const file = (name: string, ...others: string[]) => ({
  ...makeCheckpoint({ path: at(name), close: async () => {} }, "onnx", new Map(), async () => {
    throw new Error("not read");
  }),
  files: [at(name), ...others.map(at)],
});

it("notes two graphs that take their weights from one file", () => {
  const [a, b] = [file("a.onnx", "model.onnx.data"), file("b.onnx", "model.onnx.data")];
  expect(notesOfSharedFiles(a, b)).toEqual([
    `${at("a.onnx")} and ${at("b.onnx")} both take weights from ${at("model.onnx.data")}. If they were exported under one name, the second export replaced the weights of the first: export each under its own name.`,
  ]);
});

it("notes nothing for files of their own, and for a file compared with itself", () => {
  const [a, b] = [file("a.onnx", "a.onnx.data"), file("b.onnx", "b.onnx.data")];
  expect(notesOfSharedFiles(a, b)).toEqual([]);
  expect(notesOfSharedFiles(a, a)).toEqual([]);
});
