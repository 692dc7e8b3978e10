import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { refusal, temporaryFolder, writeTensors, zipOf } from "../../test/checkpoints.ts";
import { tensor } from "../core/index.ts";
import { openCheckpoint } from "./index.ts";

const folder = temporaryFolder();
const path = join(folder, "x.pt");

it("goes by content, not by name", async () => {
  for (const format of ["safetensors", "torch", "npz"] as const) {
    await writeTensors(join(folder, "y"), format, new Map([["w", tensor("float32", [1], [5])]]));
    copyFileSync(join(folder, "y"), path);
    const checkpoint = await openCheckpoint(path);
    expect(checkpoint.format).toBe(format);
    await checkpoint.close();
  }
});

it.each([
  ["", "x.pt is empty. Copy the file again."],
  ["version https://git-lfs.github.com/spec/v1\n", "x.pt is a Git LFS pointer, not the file itself. Run git lfs pull."],
  ["<!DOCTYPE html>", "x.pt is a web page, not a checkpoint. Download the file itself."],
  ["\x93NUMPY\x01\x00", "x.pt is a single .npy array. Save the arrays by name with numpy.savez."],
  ["\x89HDF\r\n", "x.pt is an HDF5 file. Save the weights as .npz or .safetensors."],
  ["\x1f\x8b\x08", "x.pt is packed by gzip. Unpack it first."],
  [
    "\x80\x04N.",
    "x.pt is a pickle, but not one that torch.save wrote. In Python, save model.state_dict() with torch.save.",
  ],
  [
    "nonsense!",
    'x.pt begins with "nonsense", which no checkpoint does that layerwise reads. Give a .safetensors, .pt, .npz or .onnx file.',
  ],
])("tells of %j what to do", async (content, sentence) => {
  expect(await refusal(path, Buffer.from(content, "latin1"))).toBe(sentence);
});

it("refuses an archive of something else", async () => {
  expect(await refusal(path, await zipOf({ "letter.txt": "hello" }))).toBe(
    "x.pt is a zip archive with neither data.pkl nor .npy arrays. Give a .pt or .npz file.",
  );
});

it("refuses what is no readable file", async () => {
  mkdirSync(join(folder, "folder"));
  writeFileSync(join(folder, "file"), "");
  const missing = join(folder, "missing");
  await expect(openCheckpoint(missing)).rejects.toThrow(
    `Cannot read ${missing}: there is no such file. Check the path.`,
  );
  expect(await refusal(join(folder, "folder"))).toBe(
    "folder is a folder, where a checkpoint is expected. Give the path of a file.",
  );
  expect(await refusal("/dev/zero")).toMatch("zero is not a regular file");
  expect(await refusal(join(folder, "file/below"))).toMatch("a part of the path is a file");
  expect(await refusal(join(folder, "x".repeat(300)))).toMatch("Cannot read");
  expect(await refusal(`${path}\0`)).toMatch("Cannot read");
});
