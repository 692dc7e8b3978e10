// What people wrap a network in. What PyTorch writes in these forms is read in test/interop.
import { describe, expect, it } from "vitest";
import { UserError } from "../../core/index.ts";
import { findStateDict } from "./state-dict.ts";
import type { TorchTensor } from "./values.ts";

type Nested = TorchTensor | number | { readonly [key: string]: Nested };

const sized = (...shape: number[]): TorchTensor => ({
  kind: "tensor",
  dtype: "float32",
  storage: { kind: "storage", key: "0", dtype: "float32", total: 0, offset: 0, length: 0 },
  offset: 0,
  shape,
  strides: shape,
});

/** Dictionaries as the unpickler gives them. */
const dictionary = (value: Nested): unknown =>
  typeof value === "object" && !("kind" in value)
    ? new Map(Object.entries(value).map(([key, inner]) => [key, dictionary(inner)]))
    : value;

const found = (value: Nested) => [...findStateDict("x.pt", dictionary(value)).keys()].join();
const net = (name = "fc") => ({ [`${name}.weight`]: sized(3, 4), [`${name}.scale`]: sized() });
const fc = "fc.weight,fc.scale";

describe("the network is found", () => {
  it.each<[string, Nested, string]>([
    ["alone", net(), fc],
    ["of single numbers alone", { scale: sized(), shift: sized(1) }, "scale,shift"],
    ["of empty tensors alone", { none: sized(0, 4) }, "none"],
    ["under a key that nobody listed, beside single tensors", { best_acc: sized(), loss: sized(1), enc: net() }, fc],
    ["beside a dictionary of single tensors", { metrics: { acc: sized() }, enc: net() }, fc],
    ["two keys deep", { epoch: 3, run: { weights: net() } }, fc],
    ["by the surest key", { state_dict: net(), decoder: net("other"), mean: sized(3) }, fc],
    ["under a key within a key", { model: { module: net() }, rng: { cpu: sized(5) } }, fc],
    ["beside its averages", { enc: net(), ema: net("a"), enc_ema: net("b"), "ema-enc": net("c") }, fc],
    ["beside an optimiser's state", { enc: net(), optimizer_G: { state: { "fc.weight": net("exp") } } }, fc],
    ["with what modules add", { ...net(), "fc._extra_state": { scale: sized(4) } }, fc],
  ])("%s", (_, value, names) => expect(found(value)).toBe(names));

  it("under two keys of one dictionary", () => {
    const one = dictionary(net());
    const value = new Map([
      ["first", one],
      ["second", one],
    ]);
    expect([...findStateDict("x.pt", value).keys()].join()).toBe(fc);
  });
});

describe("nothing is guessed", () => {
  it.each<[string, Nested, string]>([
    ["a network beside statistics", { encoder_state: net(), mean: sized(3) }, '"encoder_state", "mean"'],
    ["two networks", { semantic_encoder: net(), decoder: net() }, '"semantic_encoder", "decoder"'],
    [
      "two networks under a key that is listed",
      { model: { encoder: net(), decoder: net() }, rng: { cpu: sized(5) } },
      '"encoder", "decoder"',
    ],
    ["tensors and a network under such a key", { model: { head: sized(2), body: net() } }, '"head", "body"'],
    ["a network deeper than another tensor", { rng: { cpu: sized(5) }, run: { weights: net() } }, '"rng", "run"'],
  ])("%s", (_, value, places) => {
    expect(() => found(value)).toThrow(
      new UserError(
        `x.pt holds tensors in several places (${places}), and nothing tells which of them are the network. In Python, save model.state_dict() alone with torch.save.`,
      ),
    );
  });
});

it("ends soon for dictionaries that hold themselves many times", () => {
  const value = new Map<unknown, unknown>();
  for (let i = 0; i < 3000; i++) value.set(`k${i}`, new Map(Array.from({ length: 30 }, (_, j) => [`k${j}`, value])));
  value.set("model", value);
  expect(() => findStateDict("x.pt", value)).toThrow("where a state dict");
  value.set("w", sized(2));
  expect(() => findStateDict("x.pt", value)).toThrow("several places");
});
