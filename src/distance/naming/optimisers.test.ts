import { describe, expect, it } from "vitest";
import { writeNew } from "../../../test/checkpoints.ts";
import { tensor } from "../../core/index.ts";
import { compareFiles } from "../compare.ts";
import { optimiserNames } from "./optimisers.ts";

const net = { "conv/kernel": [3, 4], "conv/bias": [4], "head/kernel": [4, 2] } as const;
type Shapes = Readonly<Record<string, readonly number[]>>;
const under = (prefix: string, suffix = "", separator = "/"): Shapes =>
  Object.fromEntries(
    Object.entries(net).map(([name, shape]) => [(prefix + name + suffix).replaceAll("/", separator), shape]),
  );
const found = (shapes: Shapes) =>
  optimiserNames({
    tensors: new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: "float32" as const, shape }])),
  });

describe("an optimiser's state among the names", () => {
  it.each<[string, Shapes, Shapes]>([
    [
      "of big_vision",
      { ...under("params/"), "params/t": [] },
      { ...under("opt/0/mu/"), ...under("opt/0/nu/"), "opt/1/count": [], "chrono/accum_train_time": [] },
    ],
    ["of flax", { ...under("params/"), ...under("batch_stats/"), step: [] }, under("opt_state/0/trace/")],
    ["of optax, in something else", under("params/"), { ...under("state/1/mu/"), ...under("state/1/nu/") }],
    ["of optax, next to bare names", under(""), { ...under("mu/"), ...under("nu/") }],
    ["with dots", under("params.", "", "."), { ...under("opt.m.", "", "."), ...under("opt.v.", "", ".") }],
    [
      "of PyTorch",
      under("model.", "", "."),
      { ...under("optimizer.state.", ".exp_avg", "."), "optimizer.state.conv.kernel.step": [], "train_state.step": [] },
    ],
    ["of PyTorch, by moments", under("", "", "."), { ...under("exp_avg.", "", "."), ...under("exp_avg_sq.", "", ".") }],
    ["of PyTorch, behind the names", under("", "", "."), under("", ".exp_avg_sq", ".")],
    ["of TensorFlow", under(""), { ...under("", "/Adam"), ...under("", "/Adam_1") }],
    [
      "of Paddle",
      { "linear_0.w_0": [3, 4], "linear_0.b_0": [4] },
      { "linear_0.w_0_moment1_0": [3, 4], "linear_0.w_0_moment2_0": [3, 4], "linear_0.w_0_beta1_pow_acc_0": [1] },
    ],
    [
      "of Detectron",
      { conv1_w: [3, 4], conv1_b: [4], bn_s: [4] },
      { conv1_w_momentum: [3, 4], conv1_b_momentum: [4], lr: [] },
    ],
    [
      "of Caffe2, in a scope",
      { "gpu_0/fc_w": [3, 4], "gpu_0/fc_b": [4] },
      { "gpu_0/fc_w_first_moment": [3, 4], "gpu_0/fc_w_second_moment": [3, 4], "gpu_0/fc_b_squared_sum": [4] },
    ],
    ["of BERT", under("bert/"), { ...under("bert/", "/adam_m"), ...under("bert/", "/adam_v"), global_step: [] }],
  ])("%s", (_, weights, states) => {
    expect(found({ ...weights, ...states })).toEqual(Object.keys(states));
    expect(found(weights)).toEqual([]);
    expect(found(states)).toEqual([]); // alone: what is asked for by a key
  });

  it.each<[string, Shapes]>([
    ["queries, keys and values", { "attn.q.weight": [4, 4], "attn.k.weight": [4, 4], "attn.v.weight": [4, 4] }],
    ["a mean and a variance", { "mu.weight": [2, 4], "logvar.weight": [2, 4], "nu.weight": [3, 4] }],
    ["a network called opt", under("opt.model.", "", ".")],
    ["a part called momentum", { ...under("encoder."), ...under("momentum.") }],
    ["a momentum of another shape", { queue: [2, 4], queue_momentum: [2, 8], lr: [] }],
    ["an optimiser alone", under("optimizer.state.")],
  ])("is none: %s", (_, shapes) => expect(found(shapes)).toEqual([]));
});

it("is neither compared nor in the way of another file's names", async () => {
  const of = (x: number, prefixes: readonly string[], single = {}) =>
    writeNew(
      {
        ...Object.fromEntries(
          prefixes.flatMap((prefix) =>
            Object.entries(under(prefix)).map(([name, shape]) => [
              name,
              tensor("float32", [...shape], Array(shape.reduce((n, m) => n * m)).fill(x)),
            ]),
          ),
        ),
        ...single,
      },
      "npz",
    );
  const time = (x: number) => ({ "chrono/time": tensor("float32", [], [x]) });
  const [a, b] = [
    await of(0, ["params/", "opt/0/mu/", "opt/0/nu/"], time(1)),
    await of(1, ["params/", "opt/0/mu/", "opt/0/nu/"], time(9)),
  ];
  const plain = await of(1, [""]);
  const states = (path: string) =>
    `${path} also contains an optimiser's state, left unchanged: opt/0/mu/conv/kernel, opt/0/mu/conv/bias, opt/0/mu/head/kernel and 4 more.`;
  const { distance, layers, notes } = await compareFiles(a, b);
  expect(layers.map(({ name }) => name)).toEqual(["params/conv", "params/head"]);
  expect(distance.full.euclidean).toBeCloseTo(Math.sqrt(24));
  expect(notes).toEqual([states(a), states(b)]);
  const other = await compareFiles(a, plain);
  expect(other.distance.full.euclidean).toBeCloseTo(Math.sqrt(24));
  const moments = await compareFiles(a, b, { keys: { a: "opt/0/mu", b: "opt/0/mu" } });
  expect(moments.layers.map(({ name }) => name)).toEqual(["conv", "head"]);
});

it("an optimiser's state that is all of a file is noted", async () => {
  const file = (names: readonly string[]) =>
    writeNew(Object.fromEntries(names.map((name) => [name, tensor("float32", [2], [1, 2])])), "safetensors");
  const notesOf = async (...names: string[]) => {
    const a = await file(names);
    const { notes } = await compareFiles(a, await file(names));
    return notes?.map((note) => note.replace(a, "A")) ?? [];
  };
  expect(await notesOf("linear_0.w_0_moment1_0", "linear_0.w_0_moment2_0")).toContain(
    "A contains the state of an optimiser, not weights: linear_0.w_0_moment1_0, linear_0.w_0_moment2_0. Give the network's file instead.",
  );
  expect((await notesOf("fc.weight.exp_avg", "fc.weight.exp_avg_sq")).join()).toContain("state of an optimiser, not");
  expect(await notesOf("fc.weight", "fc.momentum")).toEqual([]);
  expect(await notesOf("encoder_moment", "moment_0.weight")).toEqual([]);
});
