// Digests of the files that the tool writes, against those in digests.json: a change of a single byte shows. Numbers
// that ONNX Runtime computes differ between kinds of processors, so they are stored by a fingerprint of the machine's
// arithmetic; what does not depend on it is stored once.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, relative, sep } from "node:path";
import { expect } from "vitest";
import { bytesOf } from "../src/core/index.ts";
import { Session } from "../src/runtime/index.ts";
import { graphBytes, type NodeSpec, randomTensor } from "./onnx-graphs.ts";

/** The first 16 hexadecimal digits of the SHA-256 of a file's bytes, by the file's path. */
type Digests = Readonly<Record<string, string>>;
type Cases = Record<string, Digests>;
interface Stored {
  /** What is the same on every machine. */
  readonly portable: Cases;
  readonly machines: Record<string, { readonly processor: string; readonly cases: Cases }>;
}

const path = join(import.meta.dirname, "digests.json");
const readStored = () => JSON.parse(readFileSync(path, "utf8")) as Stored;

/** With this variable the digests of the cases that run are written, not compared. */
const isRecording = process.env.LAYERWISE_RECORD_DIGESTS === "1";

const short = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

const square = [8, 12, 12];
const kernel = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
/** One graph for each kind of kernel: its weights' shapes, a sample's shape, its node. */
const probes: readonly [node: NodeSpec, sample: readonly number[], ...weights: (readonly number[])[]][] = [
  [["Conv", ["x", "w0", "w1"], "y", kernel], square, [16, 8, 3, 3], [16]],
  [
    ["Conv", ["x", "w0"], "y", { kernel_shape: [3, 3], strides: [2, 2] }],
    [3, 17, 17],
    [5, 3, 3, 3],
  ],
  [
    ["MatMul", ["x", "w0"], "y"],
    [37, 67],
    [67, 41],
  ],
  [["Gemm", ["x", "w0", "w1"], "y", { transB: 1 }], [129], [33, 129], [33]],
  [["Softmax", ["x"], "y"], [96]],
  [["ReduceMean", ["x"], "y"], [129]],
  [["LayerNormalization", ["x", "w0"], "y"], [33], [33]],
  ...["Exp", "Tanh", "Erf", "Sigmoid", "Sqrt"].map((op): [NodeSpec, number[]] => [[op, ["x"], "y"], [131]]),
];

/** What identifies the machine's arithmetic: the digest of the outputs of fixed graphs on one thread. */
async function fingerprint(): Promise<string> {
  const outputs: string[] = [];
  for (const [node, sample, ...shapes] of probes) {
    const weights = new Map(shapes.map((shape, i) => [`w${i}`, randomTensor(`${node[0]} ${i}`, shape)]));
    const session = await Session.load(graphBytes([node], weights, sample), { threads: 1 });
    const { y } = await session.run({ x: randomTensor(node[0], [7, ...sample], node[0] === "Sqrt" ? 0 : -3, 3) });
    outputs.push(short(new Uint8Array(bytesOf(y))));
    await session.dispose();
  }
  return short(outputs.join());
}

const machine = await fingerprint();

/** Added to the name of a case that cannot be compared on this machine; empty where it can. */
export const unknownMachine: string =
  isRecording || readStored().machines[machine]
    ? ""
    : ` (no digests for the arithmetic of this machine, ${machine}; at a commit known to be right, LAYERWISE_RECORD_DIGESTS=1 adds them)`;

const isText = (file: string) => /\.(json|html|yaml|csv|svg|ndjson)$/.test(file);

/**
 * The digests of all files in `outputs` (files or folders of `folder`), without the folder's own path and without
 * measured times.
 */
export function digestsOf(folder: string, outputs: readonly string[]): Digests {
  const files = outputs.flatMap((output) =>
    statSync(join(folder, output)).isFile()
      ? [output]
      : readdirSync(join(folder, output), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && entry.name !== "machine.json") // holds times only
          .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/")),
  );
  const digest = (file: string) => {
    const bytes = readFileSync(join(folder, file));
    if (!isText(file)) return short(bytes);
    const text = bytes.toString().replaceAll(folder, "FOLDER");
    return short(file.endsWith(".ndjson") ? text.replaceAll(/"seconds":[^,}]+/g, "") : text);
  };
  return Object.fromEntries(files.sort().map((file) => [file, digest(file)]));
}

/** Compares the digests of a case with the stored ones, or records them. */
export function compareDigests(name: string, found: Digests, isPortable: (file: string) => boolean): void {
  const stored = readStored();
  const part = (portable: boolean) =>
    Object.fromEntries(Object.entries(found).filter(([file]) => isPortable(file) === portable));
  const [everywhere, here] = [part(true), part(false)];
  if (!isRecording) {
    expect(everywhere, `${name}: files that are the same on every machine`).toEqual(stored.portable[name] ?? {});
    if (!unknownMachine) expect(here, name).toEqual(stored.machines[machine].cases[name] ?? {});
    return;
  }
  const put = (cases: Cases, digests: Digests) => {
    delete cases[name];
    if (Object.keys(digests).length) cases[name] = digests;
    return Object.fromEntries(Object.entries(cases).sort(([x], [y]) => (x < y ? -1 : 1)));
  };
  const processor = cpus()[0].model;
  const cases = put({ ...stored.machines[machine]?.cases }, here);
  const machines = { ...stored.machines, [machine]: { processor, cases } };
  writeFileSync(path, `${JSON.stringify({ portable: put(stored.portable, everywhere), machines }, null, 2)}\n`);
}
