// Two ONNX files that take their weights from one file beside them. PyTorch names that file after the graph, so an
// export under the same name replaces the weights of an earlier one, even if that graph was renamed meanwhile.
import { resolve } from "node:path";
import type { Checkpoint } from "../checkpoint.ts";

/** A note for two different files that share a file of weights. */
export function notesOfSharedFiles(a: Checkpoint, b: Checkpoint): string[] {
  const [own, others] = [a, b].map(({ files }) => files.map((file) => resolve(file)));
  if (own[0] === others[0]) return [];
  const shared = a.files.find((_, i) => others.includes(own[i]));
  if (shared === undefined) return [];
  return [
    `${a.path} and ${b.path} both take weights from ${shared}. If they were exported under one name, the second export replaced the weights of the first: export each under its own name.`,
  ];
}
