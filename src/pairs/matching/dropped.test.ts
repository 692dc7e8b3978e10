// Exporters drop biases of zeros and scales of ones, so a graph of a new network ignores the trained ones.
import { beforeAll, describe, expect, it } from "vitest";
import {
  graphBytes,
  measured,
  type NodeSpec,
  randomTensor,
  type Weights,
  writeSamples,
} from "../../../test/onnx-graphs.ts";
import { type Tensor, tensor } from "../../core/index.ts";

beforeAll(writeSamples);

const filled = (value: number) => tensor("float32", [5], Array(5).fill(value));
const trained = (name: string) => randomTensor(name, [5], 0.5, 2);

/** A network with a normalisation's scale and shift, and an auxiliary head. */
const weights = (seed: string, bias: Tensor, scale: Tensor, shift: Tensor): Weights =>
  new Map([
    ["body.fc.weight", randomTensor(`${seed}fc`, [5, 32])],
    ["body.fc.bias", bias],
    ["body.norm.weight", scale],
    ["body.norm.bias", shift],
    ["head.weight", randomTensor(`${seed}head`, [4, 5])],
    ["aux.fc.weight", randomTensor(`${seed}aux`, [4, 5])],
    ["aux.fc.bias", randomTensor(`${seed}aux bias`, [4])],
  ]);
const trainedEnd = (seed: string) => weights(seed, trained(`${seed}0`), trained(`${seed}1`), trained(`${seed}2`));
const freshEnd = (seed: string) => weights(seed, filled(0), filled(1), filled(0));

/** A graph without the tensors of the given names. */
function graphWithout(...dropped: string[]): Uint8Array {
  const has = (name: string) => !dropped.includes(name);
  const nodes: NodeSpec[] = [
    ["Flatten", ["x"], "f"],
    ["Gemm", ["f", "body.fc.weight", ...(has("body.fc.bias") ? ["body.fc.bias"] : [])], "h", { transB: 1 }],
    has("body.norm.weight") ? ["Mul", ["h", "body.norm.weight"], "i"] : ["Identity", ["h"], "i"],
    has("body.norm.bias") ? ["Add", ["i", "body.norm.bias"], "j"] : ["Identity", ["i"], "j"],
    ["Gemm", ["j", "head.weight"], "y", { transB: 1 }],
  ];
  const all = [...trainedEnd("graph")].filter(([name]) => has(name) && !name.startsWith("aux."));
  return graphBytes(nodes, new Map(all), [2, 4, 4]);
}

describe("a parameter that the export dropped", () => {
  it.each([
    ["a bias", ["body.fc.bias"], "body.fc.bias of .*, although it computes its layer"],
    ["a shift", ["body.norm.bias"], "body.norm.bias of .*, although it computes its layer"],
    [
      "a whole normalisation",
      ["body.norm.weight", "body.norm.bias"],
      "body.norm.weight, body.norm.bias of .*, although it computes their layers",
    ],
  ])("is refused if the checkpoints trained it: %s", async (_, dropped, message) => {
    await expect(measured(graphWithout(...dropped), [trainedEnd("a"), trainedEnd("b")])).rejects.toThrow(
      new RegExp(`does not use ${message}\\. Exporters drop biases of zeros and scales of ones`),
    );
    await expect(measured(graphWithout(...dropped), [freshEnd("a"), trainedEnd("b")])).rejects.toThrow("does not use");
  });

  it("is refused if it is equal in both, but has an effect", async () => {
    const ends = ["a", "b"].map((seed) => weights(seed, trained("frozen"), filled(1), filled(0))) as [Weights, Weights];
    await expect(measured(graphWithout("body.fc.bias"), ends)).rejects.toThrow("although it computes its layer");
  });

  it("is noted if it has no effect in either", async () => {
    const ends = [freshEnd("a"), freshEnd("b")] as const;
    const names = ["body.fc.bias", "body.norm.weight", "body.norm.bias"];
    const [found, truth] = [await measured(graphWithout(...names), ends), await measured(graphWithout(), ends)];
    expect(found.ends.a.loss).toBeCloseTo(truth.ends.a.loss!, 6);
    expect(found.notes?.join(" ")).toContain("The graph does not use");
  });
});
