// Which names of two files are of one tensor, and when nothing is matched.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Entry, file, match, net, partners, prefixed } from "../../test/names.ts";
import { matchNames } from "./names.ts";

const same = Object.fromEntries(Object.keys(net).map((name) => [name, name]));

describe("names match", () => {
  it("as they are, without a note", () => {
    expect(match(net, net)).toMatchObject({ notes: [] });
    expect(partners(match(net, net))).toEqual(same);
    expect(match({}, {})).toMatchObject({ notes: [] });
  });

  it.each<[string, string, string]>([
    ["model.", "", 'The names in a start with "model.", but those in b do not.'],
    ["", "backbone.", 'The names in b start with "backbone.", but those in a do not.'],
    ["a.b.", "", 'The names in a start with "a.b.", but those in b do not.'],
    ["params/", "", 'The names in a start with "params/", but those in b do not.'],
  ])("%j in front of a, %j in front of b", (x, y, note) => {
    const found = match(prefixed(x), prefixed(y));
    expect(found.notes).toEqual([note]);
    expect(partners(found)).toEqual(Object.fromEntries(Object.keys(net).map((name) => [x + name, y + name])));
    expect([...found.a.keys()]).toEqual(Object.keys(net));
  });

  it("apart from buffers that training updates, in one file only or of other sizes", () => {
    const queue = (size: number) => ({ queue: [2, size], queue_ptr: ["int64", 1] }) as const;
    const [plain, short, long] = [net, { ...net, ...queue(8) }, { ...net, ...queue(16), "dino_loss.center": [1, 8] }];
    for (const [x, y] of [
      [plain, short],
      [short, long],
      [long, plain],
    ]) {
      expect(partners(match(x, y))).toMatchObject(same);
      expect(Object.keys(partners(match(x, y)))).not.toContain("queue");
    }
    expect(match(short, long).notes).toContain("Different shapes in a and b, left unchanged: queue.");
    expect(() => match(net, { ...net, queue: [2, 8] })).toThrow("different networks");
  });

  it("not with other names or shapes in a graph, whose exporter may have changed them", () => {
    const withGraph = (entries: Readonly<Record<string, Entry>>) => () =>
      matchNames(file("a.pt", net), { ...file("b.onnx", entries), format: "onnx" });
    const { "fc.weight": shape, ...others } = net;
    const why = "b.onnx is a graph: exporters rename weights that they transpose or fold";
    const advice = "Give two graphs, or the checkpoint that the graph was exported from.";
    for (const [entries, fault] of [
      [
        { ...others, val_1: [4, 2] },
        "The names in a.pt and b.onnx differ. Only in a.pt: fc.weight. Only in b.onnx: val_1.",
      ],
      [
        { ...others, "fc.weight": shape.toReversed() },
        "The shapes in a.pt and b.onnx differ: fc.weight is [2,4] and [4,2].",
      ],
    ] as const) {
      expect(withGraph(entries)).toThrow(`${fault} ${why}`);
      expect(withGraph(entries)).toThrow(advice);
    }
  });

  it("under a prefix of each", () => {
    const found = match(prefixed("model."), prefixed("net."));
    expect(partners(found)).toEqual(
      Object.fromEntries(Object.keys(net).map((name) => [`model.${name}`, `net.${name}`])),
    );
    expect(found.notes).toHaveLength(2);
  });

  it("without DataParallel around a part of one, and with a part that is called module in both", () => {
    const vgg = { "features.0.weight": [4, 3], "features.3.weight": [4, 4], "classifier.weight": [2, 4] };
    const parallel = {
      "features.module.0.weight": [4, 3],
      "features.module.3.weight": [4, 4],
      "classifier.weight": [2, 4],
    };
    expect(partners(match(parallel, vgg))).toEqual({
      "features.module.0.weight": "features.0.weight",
      "features.module.3.weight": "features.3.weight",
      "classifier.weight": "classifier.weight",
    });
    const own = { "block.module.weight": [4, 3], "block.module.bias": [4] };
    expect([...match(own, own).a.keys()]).toEqual(Object.keys(own));
    const partly = { "features.module.0.weight": [4, 3], "features.1.weight": [4, 4], "classifier.weight": [2, 4] };
    expect(() => match(partly, vgg)).toThrow("different networks");
  });

  it("but for counters, masks and single numbers of one, which a note names", () => {
    const more = {
      ...net,
      "bn.num_batches_tracked": ["int64"],
      total_ops: ["float64", 1],
      mask: ["bool", 4, 4],
      empty: [0, 3],
    } as const;
    const found = match(net, more);
    expect(partners(found)).toEqual(same);
    expect(found.b.size).toBe(3);
    expect(found.notes).toEqual([
      "Only in b, left unchanged: bn.num_batches_tracked, total_ops, mask and 1 more (counters, masks or single numbers).",
    ]);
  });

  it("where only one has the rotary frequencies or the causal mask that a network makes itself", () => {
    const more = {
      ...net,
      "rotary_emb.inv_freq": [4],
      "attn.bias": [1, 1, 8, 8],
      attn_mask: [4, 9, 9],
    } as const;
    for (const [x, y] of [
      [net, more],
      [more, net],
      [prefixed("model.", more), net],
    ]) {
      const found = match(x, y);
      expect([...found.a.keys()]).toEqual(Object.keys(net));
      expect(found.notes.at(-1)).toContain(
        "attn_mask (counters, masks, single numbers, computed values or buffers of training).",
      );
    }
    expect(() => match({ ...net, "attn.bias": [8] }, net)).toThrow("Only in a: attn.bias.");
    expect(() => match({ ...net, frequencies: [8] }, net)).toThrow("Only in a: frequencies.");
  });

  it("where weight normalisation has its names of before PyTorch 2.0 in one", () => {
    const old = { ...net, "rnn.weight_hh_g": [4, 1], "rnn.weight_hh_v": [4, 4], weight_g: [2], weight_v: [2, 2] };
    const today = {
      ...net,
      "rnn.parametrizations.weight_hh.original0": [4, 1],
      "rnn.parametrizations.weight_hh.original1": [4, 4],
      "parametrizations.weight.original0": [2],
      "parametrizations.weight.original1": [2, 2],
    };
    const pairs = Object.fromEntries(Object.keys(old).map((name, i) => [name, Object.keys(today)[i]]));
    expect(partners(match(old, today))).toEqual(pairs);
    expect(partners(match(today, old))).toEqual(
      Object.fromEntries(Object.entries(pairs).map(([name, own]) => [own, name])),
    );
    const { "parametrizations.weight.original1": _, ...without } = today;
    expect(() => match(old, without)).toThrow("different networks");
  });

  it("where the normalisations of one are called as TensorFlow calls them", () => {
    const old = { ...net, "LayerNorm.gamma": [4], "LayerNorm.beta": [4], "scale.gamma": [4] };
    const today = { ...net, "LayerNorm.weight": [4], "LayerNorm.bias": [4], "scale.gamma": [4] };
    const pairs = Object.fromEntries(Object.keys(old).map((name, i) => [name, Object.keys(today)[i]]));
    const note = "gamma and beta of the normalisation layers in a correspond to weight and bias in b.";
    expect(partners(match(old, today))).toEqual(pairs);
    expect(match(old, today).notes).toEqual([note]);
    expect(match(today, old).notes).toEqual([
      "gamma and beta of the normalisation layers in b correspond to weight and bias in a.",
    ]);
    expect(match(old, old).notes).toEqual([]);
    expect(match(prefixed("bert.", old), today).notes).toEqual([
      'The names in a start with "bert.", but those in b do not.',
      note,
    ]);
    expect(() => match(old, { ...today, "LayerNorm.weight": [5] })).toThrow("different networks");
    expect(() => match({ ...net, "scale.gamma": [4] }, { ...net, "scale.weight": [4] })).toThrow("different networks");
  });

  const tower = { "visual.blocks.0.qkv.weight": [6, 4], "visual.norm.weight": [4] };
  const decoder = { "embed.weight": [9, 4], "layers.0.up.weight": [8, 4], "norm.weight": [4] };
  const layouts: Record<string, Readonly<Record<string, Entry>>> = {
    qwen: { ...prefixed("model.", decoder), ...tower, "lm_head.weight": [9, 4] },
    llava: { ...prefixed("language_model.model.", decoder), ...tower, "language_model.lm_head.weight": [9, 4] },
    today: {
      ...prefixed("model.language_model.", decoder),
      ...prefixed("model.", tower),
      "lm_head.weight": [9, 4],
    },
    clip: { ...prefixed("text_model.", decoder), ...tower },
    bare: { ...decoder, ...tower },
  };

  it.each([
    ["qwen", "today"],
    ["today", "qwen"],
    ["llava", "today"],
    ["today", "llava"],
    ["qwen", "llava"],
    ["clip", "bare"],
    ["bare", "clip"],
  ])("where the levels around the parts are others: %s and %s", (x, y) => {
    const found = match(layouts[x], layouts[y]);
    const others = Object.keys(layouts[y]);
    expect(partners(found)).toEqual(Object.fromEntries(Object.keys(layouts[x]).map((name, i) => [name, others[i]])));
    expect([...found.a.keys()]).toEqual(Object.keys(layouts[x])); // a's own names
    expect(found.notes).toHaveLength(1);
    const first = Object.keys(layouts[x]).findIndex((name, i) => name !== others[i]);
    expect(found.notes[0]).toContain(`${Object.keys(layouts[x])[first]} corresponds to ${others[first]}.`);
  });

  it("where the coordinates in a window are more in one", () => {
    const found = match({ ...net, relative_coords_table: [9, 2] }, { ...net, relative_coords_table: [25, 2] });
    expect(partners(found)).toEqual(same);
    expect(found.notes).toEqual(["Different shapes in a and b, left unchanged: relative_coords_table."]);
  });

  it("where only what is not averaged has other shapes", () => {
    const found = match(
      { ...net, n: ["int64"], ids: ["int64", 1, 8], table: ["int32", 0], "fc._extra_state": ["uint8", 9] },
      { ...net, n: ["int64", 1], ids: ["int64", 1, 16], table: ["int32", 4], "fc._extra_state": ["uint8", 0] },
    );
    expect(partners(found)).toEqual({ ...same, n: "n" });
    expect(found.notes).toEqual(["Different shapes in a and b, left unchanged: ids, table, fc._extra_state."]);
    expect(() => match({ ...net, q: ["int8", 8] }, { ...net, q: ["int8", 16] })).toThrow("q is [8] and [16]");
  });

  it("where a tied tensor is in one of them under one of its names only", () => {
    const tied = [["wte.weight", "head.weight"]];
    const both = { ...net, "wte.weight": [9, 4], "head.weight": [9, 4] };
    const one = { ...net, "wte.weight": [9, 4] };
    expect(match(both, one, tied).notes).toEqual([]);
    expect(match(one, both, tied).b.has("head.weight")).toBe(true);
    expect(match(prefixed("model.", both), one, [["model.wte.weight", "model.head.weight"]]).a.has("head.weight")).toBe(
      true,
    );
    expect(() => match(both, one)).toThrow("Only in a: head.weight.");
  });

  it("next to a loss with weights, outside the part that is the network", () => {
    const lightning = { ...prefixed("model."), "criterion.weight": [3] };
    for (const other of [net, prefixed("model.")]) {
      const found = match(lightning, other);
      expect(partners(found)).toEqual(
        Object.fromEntries(Object.keys(net).map((name, i) => [`model.${name}`, Object.keys(other)[i]])),
      );
      expect(found.notes.join()).toContain("criterion.weight.");
    }
  });
});

describe("nothing is matched", () => {
  it.each<[string, Readonly<Record<string, Entry>>, Readonly<Record<string, Entry>>, string]>([
    ["a weight in one only", net, { ...net, "criterion.weight": [3] }, "Only in b: criterion.weight."],
    [
      "a weight under the prefix in one only",
      prefixed("model.", { ...net, "x.weight": [3, 3] }),
      net,
      "different networks",
    ],
    ["another shape", net, { ...net, "fc.weight": [3, 4] }, "fc.weight is [2,4] and [3,4]"],
    [
      "another shape under a prefix",
      prefixed("model."),
      { ...net, "fc.weight": [3, 4] },
      "The shapes in a and b differ",
    ],
    ["no common name", { x: ["int64", 3] }, { y: ["int64", 3] }, "Only in a: x. Only in b: y."],
    ["the names under a prefix too", { ...net, ...prefixed("old.") }, net, "different networks"],
    ["an encoder and a decoder", prefixed("encoder."), prefixed("decoder."), "different networks"],
    ["a name that ends alike", { "myfc.weight": [2, 4] }, { "fc.weight": [2, 4] }, "different networks"],
    [
      "two parts that differ only in their levels",
      { ...prefixed("model."), ...prefixed("language_model."), "x.weight": [3, 3] },
      { ...prefixed("model.language_model."), ...prefixed("model.vlm."), "model.x.weight": [3, 3] },
      "different networks",
    ],
    [
      "another shape in another layout",
      { "model.a.weight": [3, 4], "b.weight": [3, 4], "c.weight": [2, 2] },
      { "a.weight": [3, 4], "model.b.weight": [4, 3], "c.weight": [2, 2] },
      "different networks",
    ],
    [
      "another head and a prefix, apart from what both have",
      { ...prefixed("vit."), "head.weight": [7, 3] },
      { ...net, "norm.scales": [5] },
      "Only in a: head.weight. Only in b: norm.scales.",
    ],
    [
      "two parts of the same names",
      { ...prefixed("q."), ...prefixed("k.") },
      net,
      'in several places ("q", "k"). Choose one, such as --key q.',
    ],
    [
      "most of it elsewhere",
      { ...prefixed("small."), "large.weight": [50, 50] },
      net,
      'a has the other file\'s names under "small.", but most of its weights are outside it: large.weight.',
    ],
  ])("for %s", (_, a, b, fault) => expect(() => match(a, b)).toThrow(fault));
});

it("matches a network with itself under any prefix and with any counters, tensor by tensor, whichever comes first", () => {
  const part = fc.constantFrom("fc", "conv", "module", "layer1", "0", "norm");
  const name = fc.tuple(fc.array(part, { maxLength: 3 }), fc.constantFrom("weight", "bias", "running_mean"));
  const network = fc.uniqueArray(
    name.map(([parts, last]) => [...parts, last].join(".")),
    { minLength: 1, maxLength: 8 },
  );
  const prefix = fc.array(fc.constantFrom("model", "net", "encoder"), { maxLength: 2 });
  fc.assert(
    fc.property(network, prefix, fc.boolean(), (names, parts, turned) => {
      // every tensor has a shape of its own, so that a wrong partner shows
      const plain = Object.fromEntries(names.map((one, i) => [one, [i + 2, 3]]));
      const front = parts.map((one) => `${one}.`).join("");
      const wrapped = { ...prefixed(front, plain), [`${front}norm.num_batches_tracked`]: ["int64"] as const };
      const found = partners(turned ? match(plain, wrapped) : match(wrapped, plain));
      const expected = names.map((one) => (turned ? [one, front + one] : [front + one, one]));
      expect(found).toEqual(Object.fromEntries(expected));
    }),
  );
});

it("never matches tensors of other shapes", () => {
  const part = fc.constantFrom("a", "b", "module", "model");
  const names = fc.uniqueArray(
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(".")),
    { minLength: 1, maxLength: 5 },
  );
  const entries = names.chain((all) =>
    fc.tuple(...all.map((one) => fc.tuple(fc.constant(one), fc.integer({ min: 2, max: 3 })))),
  );
  fc.assert(
    fc.property(entries, entries, (x, y) => {
      const [a, b] = [x, y].map((some) => Object.fromEntries(some.map(([one, n]) => [one, [n]])));
      try {
        for (const [own, other] of Object.entries(partners(match(a, b)))) expect(a[own]).toEqual(b[other!]);
      } catch (error) {
        expect((error as Error).name).toBe("UserError");
      }
    }),
    { numRuns: 2000 },
  );
});
