// The errors for two files whose names differ, where the form explains the difference.
import { describe, expect, it } from "vitest";
import { type Entry, match, partners } from "../../../test/names.ts";

describe("names do not match", () => {
  it("not beside an adapter in one of them, which must be merged first", () => {
    const adapted = {
      "base_model.model.fc.base_layer.weight": [2, 4],
      "base_model.model.fc.lora_A.default.weight": [1, 4],
      "base_model.model.fc.lora_B.default.weight": [2, 1],
    };
    expect(() => match({ "fc.weight": [2, 4] }, adapted)).toThrow(
      "b contains a LoRA adapter beside its network, and a does not. Merge the adapter",
    );
  });

  it.each(["fc.weight_v", "fc.parametrizations.weight.original1"])(
    "not with weight normalisation in one: %s",
    (name) => {
      const other = name.replace(/v$/, "g").replace(/1$/, "0");
      expect(() => match({ "fc.weight": [2, 4] }, { [other]: [2, 1], [name]: [2, 4] })).toThrow(
        `b has weight normalisation (${name}), and a does not. Remove it in one, or keep it in both`,
      );
    },
  );

  it.each<[string, string, Readonly<Record<string, Entry>>]>([
    ["pruning with masks", "torch.nn.utils.prune.remove", { "fc.weight_orig": [2, 4], "fc.weight_mask": [2, 4] }],
    [
      "spectral normalisation",
      "remove_spectral_norm or remove_parametrizations",
      { "fc.weight_orig": [2, 4], "fc.weight_u": [2], "fc.weight_v": [4] },
    ],
    [
      "spectral normalisation",
      "remove_spectral_norm or remove_parametrizations",
      { "fc.parametrizations.weight.original": [2, 4], "fc.parametrizations.weight.0._u": [2] },
    ],
  ])("not with %s in one", (what, undo, entries) => {
    const fault = `b has ${what} (${Object.keys(entries)[0]}), and a does not. Remove it in one, or keep it in both (PyTorch: ${undo}), and save again.`;
    expect(() => match({ "fc.weight": [2, 4] }, entries)).toThrow(fault);
  });

  it("not with arrays that were saved without names", () => {
    expect(() => match({ "fc.weight": [2, 4] }, { arr_0: [2, 4], arr_1: [2] })).toThrow(
      "b was saved without names (arr_0). In Python, save each array under its parameter's name",
    );
    expect(partners(match({ arr_0: [2, 4] }, { arr_0: [2, 4] }))).toEqual({ arr_0: "arr_0" });
  });

  it("not with a tensor for each expert in one", () => {
    const apart = { "layers.0.experts.0.w1.weight": [2, 4], "layers.0.experts.1.w1.weight": [2, 4] };
    expect(() => match({ "layers.0.experts.gate_up_proj": [2, 2, 4] }, apart)).toThrow(
      "b has a tensor for each expert (layers.0.experts.0.w1.weight), and a has one for all (layers.0.experts.gate_up_proj). Save both in one form",
    );
  });
});

it("advises no merge of equal names whose counters are shifted", () => {
  const layers = (...names: string[]) => Object.fromEntries(names.map((name) => [`${name}/kernel:0`, [3, 3]]));
  const refused = (a: Record<string, Entry>, b: Record<string, Entry>) => () => match(a, b);
  const shifted = refused(layers("conv", "conv_1", "out"), layers("conv_1", "conv_2", "out"));
  expect(shifted).toThrow(
    "Give two checkpoints of one architecture. Numbers in the names are counted differently (conv/kernel:0 and conv_2/kernel:0), so equal names may be different layers: rename them in one file so that each layer has one name.",
  );
  expect(shifted).not.toThrow("merge --layers");
  // more layers in one file, and another name of one layer
  for (const other of [layers("conv", "conv_1", "conv_2"), layers("conv", "conv_1", "out_1")])
    expect(refused(layers("conv", "conv_1", "out"), other)).toThrow("use merge --layers with base a");
});
