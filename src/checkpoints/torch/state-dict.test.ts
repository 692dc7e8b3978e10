// What people wrap a network in. What PyTorch writes in these forms is read in test/interop.
import fc_ from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../core/index.ts";
import { findStateDict } from "./state-dict.ts";
import { Unknown } from "./unknown.ts";
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

const found = (value: Nested, key?: string) => [...findStateDict("x.pt", dictionary(value), key).tensors.keys()].join();
const notesOf = (value: unknown, key?: string) => findStateDict("x.pt", value, key).notes;
const notes = (value: Nested, key?: string) => notesOf(dictionary(value), key);
const net = (name = "fc") => ({ [`${name}.weight`]: sized(3, 4), [`${name}.scale`]: sized() });
const fc = "fc.weight,fc.scale";

describe("the network is found", () => {
  it.each<[string, Nested, string]>([
    ["alone", net(), fc],
    ["of single numbers alone", { scale: sized(), shift: sized(1) }, "scale,shift"],
    ["of empty tensors alone", { none: sized(0, 4) }, "none"],
    ["under a key that nobody listed, next to single tensors", { best_acc: sized(), loss: sized(1), enc: net() }, fc],
    ["next to a dictionary of single tensors", { metrics: { acc: sized() }, enc: net() }, fc],
    ["two keys deep", { epoch: 3, run: { weights: net() } }, fc],
    ["by the surest key", { state_dict: net(), decoder: net("other"), mean: sized(3) }, fc],
    ["under a key within a key", { model: { module: net() }, rng: { cpu: sized(5) } }, fc],
    ["next to its averages", { enc: net(), ema: net(), enc_ema: net("module.fc"), "ema-enc": { shadow: net() } }, fc],
    ["next to an average without buffers", { enc: net(), ema: { "fc.weight": sized(3, 4) } }, fc],
    ["as an average alone, next to single tensors", { ema_state_dict: net(), best_acc1: sized(), epoch: 3 }, fc],
    ["as an average alone, next to a tensor", { g_ema: net(), latent_avg: sized(4) }, fc],
    ["next to statistics", { encoder_state: net(), mean: sized(3) }, fc],
    ["next to a tensor, under such a key", { model: { head: sized(2), body: net() } }, fc],
    ["rather than single numbers under a surer key", { net: { acc: sized() }, weights: net() }, fc],
    ["next to an optimiser's state", { enc: net(), optimizer_G: { state: { "fc.weight": net("exp") } } }, fc],
    ["with what modules add", { ...net(), "fc._extra_state": { scale: sized(4) } }, fc],
  ])("%s", (_, value, names) => expect(found(value)).toBe(names));

  it("next to a moving average that has its names under a prefix, which a merge leaves as it is", () => {
    const ema = { ...net("online_model.fc"), ...net("ema_model.fc"), initted: sized() };
    const state = findStateDict("x.pt", dictionary({ model: net(), ema, optimizer: { a: net() } }));
    expect([...state.tensors.keys()].join()).toBe(fc);
    expect(state.copies).toEqual(["ema"]);
    expect(state.notes).toEqual(['x.pt: used "model"; left out "ema".']);
    const other = findStateDict("x.pt", dictionary({ model: net(), ema: net("encoder.other") }));
    expect(other.copies).toEqual([]);
  });

  it("under two keys of one dictionary", () => {
    const one = dictionary(net());
    const value = new Map([
      ["first", one],
      ["second", one],
    ]);
    expect([...findStateDict("x.pt", value).tensors.keys()].join()).toBe(fc);
  });
});

describe("nothing is guessed", () => {
  it.each<[string, Nested, string]>([
    [
      "a network next to as many tensors",
      { encoder_state: net(), mean: sized(3), deviation: sized(3) },
      '"encoder_state", "mean", "deviation"',
    ],
    ["an average of another network", { enc: net(), ema: net("other") }, '"enc", "ema"'],
    ["two networks and an average", { g: net(), d: net("d"), g_ema: net() }, '"g", "d", "g_ema"'],
    ["two networks", { semantic_encoder: net(), decoder: net() }, '"semantic_encoder", "decoder"'],
    [
      "two networks under a key that is listed",
      { model: { encoder: net(), decoder: net() }, rng: { cpu: sized(5) } },
      '"model.encoder", "model.decoder"',
    ],
    ["a network deeper than another tensor", { rng: { cpu: sized(5) }, run: { weights: net() } }, '"rng", "run"'],
  ])("%s", (_, value, places) => {
    const together = places.includes('"model.encoder"') ? ", all of them with --key model" : "";
    expect(() => found(value)).toThrow(
      new UserError(
        `x.pt contains tensors in several places (${places}), and it is not clear which of them is the network. Choose one with --key NAME${together}, or save only model.state_dict() with torch.save.`,
      ),
    );
  });
});

describe("the parts of a network in dictionaries, as Megatron saves them", () => {
  const embedding = { words: { weight: sized(3, 4) }, positions: { weight: sized(2, 4) } };
  const megatron = { iteration: 3, model: { language_model: { embedding, encoder: net() } } };

  it("are not chosen by their depth", () => {
    expect(() => found(megatron)).toThrow('("model.language_model.embedding", "model.language_model.encoder")');
    expect(() => found(megatron)).toThrow("--key NAME, all of them with --key model.language_model, or");
  });

  it.each(["model", "model.language_model"])("are read together with --key %s, and a note says so", (key) => {
    const names = "embedding.words.weight,embedding.positions.weight,encoder.fc.weight,encoder.fc.scale";
    expect(found(megatron, key)).toBe(names);
    expect(notes(megatron, key)[1]).toBe(
      'x.pt: the dictionaries "embedding", "encoder" are treated as parts of one network.',
    );
  });
});

describe("a key", () => {
  const gan = { g: net(), d: net("d"), g_ema: net("ema"), run: { "v1.0": net("deep"), other: net() } };

  it.each<[string, string, string]>([
    ["g_ema", "ema.weight,ema.scale", ""],
    ["run.v1.0", "deep.weight,deep.scale", ""],
    ["g.fc", fc, "fc"],
    ["d.d.x", "d.weight,d.scale", "d.x"],
  ])("%s names a dictionary, and what is before its names", (key, names, prefix) => {
    expect(found(gan, key)).toBe(names);
    expect(findStateDict("x.pt", dictionary(gan), key).prefix).toBe(prefix);
  });

  it("chooses what is never chosen otherwise", () => {
    expect(found({ ...net(), ema: net("a") }, "ema")).toBe("a.weight,a.scale");
    expect(found({ ...net(), ema: net("a") }, ".")).toBe(fc);
  });

  it("names an item of a list by its place", () => {
    const pair = [dictionary(net()), dictionary(net("d")), 3];
    const keysOf = (value: unknown, key?: string) => [...findStateDict("x.pt", value, key).tensors.keys()].join();
    expect(keysOf(pair, "0")).toBe(fc);
    expect(keysOf(pair, "1")).toBe("d.weight,d.scale");
    expect(keysOf(new Map([["models", pair]]), "models.1")).toBe("d.weight,d.scale");
    expect(() => findStateDict("x.pt", pair)).toThrow('several places ("0", "1")');
    expect(notesOf([dictionary(net()), 3])).toEqual(['x.pt: used "0".']);
    expect(() => findStateDict("x.pt", [sized(3), 3])).toThrow("a list or tuple of 2 items");
  });

  it("lists what there is", () => {
    expect(findStateDict("x.pt", dictionary(gan), "g").dictionaries).toEqual([
      "g",
      "d",
      "g_ema",
      "run.v1.0",
      "run.other",
    ]);
  });
});

describe("a note says which dictionary was used", () => {
  it.each<[string, Nested, string | undefined]>([
    ["alone", net(), undefined],
    ["in a dictionary of nothing else", { model: net() }, undefined],
    ["next to an epoch", { model: net(), epoch: 3 }, 'used "model".'],
    ["next to an optimiser", { model: net(), optimizer: { state: net() } }, 'used "model".'],
    [
      "next to its average",
      { state_dict: net(), state_dict_ema: net("module.fc"), epoch: 3 },
      'used "state_dict"; left out "state_dict_ema", which has the same names. To use it, give --key state_dict_ema.',
    ],
    [
      "next to averages and another network",
      { model: net(), ema: net(), d: net("d"), mean: sized(3) },
      'used "model"; left out "ema", which has the same names, and "mean", "d". To use it, give --key ema.',
    ],
    ["around another", { ...net(), d: net("d"), "e.weight": sized(3), "f.weight": sized(3) }, undefined],
  ])("%s", (_, value, note) => {
    if (note === undefined && "d" in (value as object)) expect(() => notes(value)).toThrow("several places");
    else expect(notes(value)).toEqual(note ? [`x.pt: ${note}`] : []);
  });
});

describe("a list next to the network", () => {
  const net2 = { "fc.weight": sized(3, 4), "fc.bias": sized(3), count: sized() };
  const average = [sized(3, 4), sized(3)];
  const listAnd = (entries: Record<string, unknown>) =>
    new Map([["model", dictionary(net2)], ...Object.entries(entries)]);
  const inEma = (list: unknown) =>
    listAnd({
      ema: new Map<string, unknown>([
        ["decay", 0.9],
        ["shadow_params", list],
      ]),
    });

  it("is noted, and is a copy where its shapes are the network's", () => {
    const { notes, copies, tensors } = findStateDict("x.pt", inEma(average));
    expect([...tensors.keys()]).toEqual(Object.keys(net2));
    expect(notes).toEqual(['x.pt: used "model"; left out "ema.shadow_params".']);
    expect(copies).toEqual(["ema.shadow_params"]);
    const other = findStateDict("x.pt", inEma([sized(3), sized(3, 4)]));
    expect([other.notes, other.copies]).toEqual([notes, []]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["at the top", { shadow_params: average }, '"shadow_params"'],
    ["of dictionaries", { clients: [dictionary(net("g")), 3, dictionary(net("h"))] }, '"clients.0", "clients.2"'],
    ["in a list", { members: [average, average.slice(1)] }, '"members.0", "members.1"'],
  ])("%s is noted", (_, entries, names) => {
    expect(findStateDict("x.pt", listAnd(entries)).notes).toEqual([`x.pt: used "model"; left out ${names}.`]);
  });

  it("of states of a generator or an optimiser is not", () => {
    const state = { ...sized(16), dtype: "uint8" as const };
    const optimizers = { optimizer_states: [dictionary({ state: net() })], optim: [sized(3, 4)] };
    for (const entries of [{ cuda: [state, state] }, optimizers, { sizes: [1, 2] }])
      expect(findStateDict("x.pt", listAnd(entries)).notes).toEqual(['x.pt: used "model".']);
  });

  it("of which the key names one leaves out the rest", () => {
    const { notes } = findStateDict("x.pt", inEma(average), "ema.shadow_params");
    expect(notes).toEqual(['x.pt: used "ema.shadow_params"; left out "model".']);
  });

  it("alone is not a state dict, but may be chosen", () => {
    const alone = new Map<string, unknown>([
      ["decay", 0.9],
      ["shadow_params", average],
      ["collected_params", null],
    ]);
    expect(() => findStateDict("x.pt", alone)).toThrow(
      'x.pt stores its tensors in a list ("shadow_params"), without the names of a state dict. Choose a list with --key shadow_params, or save model.state_dict() with torch.save.',
    );
    expect([...findStateDict("x.pt", alone, "shadow_params").tensors.keys()]).toEqual(["0", "1"]);
  });
});

describe("what is not read", () => {
  const value = (entries: Record<string, unknown>) =>
    new Map<string, unknown>([["w", sized(3)], ...Object.entries(entries)]);
  const module = Object.assign(new Unknown("models.yolo.Model"), { isModule: true });

  it("is ignored next to the network", () => {
    const root = new Map<string, unknown>([
      ["net", value({ "fc._extra_state": new Unknown("_io.BytesIO") })],
      ["path", new Unknown("pathlib.PosixPath")],
      ["ema", module],
    ]);
    expect([...findStateDict("x.pt", root).tensors.keys()]).toEqual(["w"]);
  });

  it.each([
    ["torch._utils._rebuild_qtensor", 'x.pt stores "v" as a quantised, sparse or eight-bit float tensor'],
    ["torch.float8_e4m3fn", "quantised, sparse or eight-bit float"],
    ["torch.storage._load_from_bytes", 'torch.save(pickle.load(open("x.pt", "rb")), "weights.pt")'],
    ["torch._utils._rebuild_meta_tensor_no_storage", "on the meta device, which has no elements"],
    ["torch.nn.parameter.UninitializedParameter", "In Python, run the model once on a batch, or load its trained"],
    ["torch.distributed.tensor._api.DTensor", "a shard of a distributed tensor"],
    ["resolve_conj", "save tensor.resolve_conj().resolve_neg()"],
    ["torch._utils._rebuild_something_new", "a kind of tensor that layerwise does not read"],
  ])("is refused in it: %s", (name, sentence) => {
    expect(() => findStateDict("x.pt", value({ v: new Unknown(name) }))).toThrow(sentence);
  });

  it("is refused with the scale of an eight-bit float", () => {
    const entries = { "fc.weight": new Unknown("torch.float8_e4m3fn"), "fc.weight_scale": sized(1) };
    expect(() => findStateDict("x.pt", value(entries))).toThrow(
      'Convert the checkpoint to dense float32 first: multiply each weight by its scale (here "fc.weight_scale"), then remove',
    );
  });

  it("is refused where the name is a tensor's, whatever its class", () => {
    expect(() => findStateDict("x.pt", value({ "fc.weight": new Unknown("mine.Packed") }))).toThrow(
      'x.pt stores "fc.weight" as an object of class "mine.Packed", not as a tensor',
    );
  });

  it("is a whole module", () => {
    const sentence = '(class "models.yolo.Model"), but a state dict is expected; nothing was executed.';
    expect(() => findStateDict("x.pt", module)).toThrow(`x.pt contains a whole module ${sentence}`);
    expect(() => findStateDict("x.pt", new Map([["model", module]]))).toThrow(
      `x.pt contains a whole module under "model" ${sentence}`,
    );
    expect(() => findStateDict("x.pt", new Unknown("a.B"))).toThrow('an object of class "a.B", which was not executed');
  });

  it.each<[string, Record<string, unknown>]>([
    ["a score, as YOLOv5 saves it", { epoch: 3, best_fitness: sized(1), model: module, ema: module }],
    ["a random state", { model: module, rng: new Map([["cpu", sized(5)]]) }],
    ["several of them", { model: module, anchors: sized(3, 2), rng: new Map([["cpu", sized(5)]]) }],
  ])("is a whole module next to %s", (_, entries) => {
    const root = new Map(Object.entries(entries));
    expect(() => findStateDict("x.pt", root)).toThrow('x.pt contains a whole module under "model"');
  });

  it("is a whole module within a dictionary", () => {
    const run = new Map<string, unknown>([
      ["best_fitness", sized(1)],
      ["model", module],
    ]);
    expect(() => findStateDict("x.pt", new Map([["run", run]]))).toThrow('a whole module under "run.model"');
  });

  it("is a module that the key names, but no dictionary next to it", () => {
    const root = new Map<string, unknown>([
      ["model", module],
      ["ema", module],
      ["rng", new Map([["cpu", sized(5)]])],
    ]);
    expect(() => findStateDict("x.pt", root, "ema")).toThrow('x.pt contains a whole module under "ema"');
    expect([...findStateDict("x.pt", root, "rng").tensors.keys()]).toEqual(["cpu"]);
    root.set("generator", dictionary(net()));
    expect(() => findStateDict("x.pt", root)).toThrow("several places");
    root.delete("rng");
    expect([...findStateDict("x.pt", root).tensors.keys()].join()).toBe(fc);
  });

  it("is what DeepSpeed's ZeRO-3 has in place of weights", () => {
    const root = { module: { w: sized(0), b: sized(3) }, ds_version: 1 };
    expect(() => found(root)).toThrow("x.pt has no elements for w: the weights are in DeepSpeed's ZeRO-3 files");
    expect(found({ module: { w: sized(0), b: sized(3) } })).toBe("w,b");
  });
});

it("never takes a tensor for the network next to a dictionary of more, and finds the one dictionary under any key", () => {
  const key = fc_.string({ minLength: 1, maxLength: 6 }).filter((name) => !/optim|_extra_state/i.test(name));
  const numbers = fc_.dictionary(key, fc_.constant(sized()), { maxKeys: 4 });
  const tensors = fc_.dictionary(key, fc_.constant(sized(2, 3)), { minKeys: 2, maxKeys: 5 });
  fc_.assert(
    fc_.property(tensors, numbers, fc_.array(key, { minLength: 1, maxLength: 3 }), (network, singles, at) => {
      const [last, ...outer] = [...at].reverse();
      const inner: Nested = { ...singles, [last]: network };
      const value = outer.reduce<Nested>((value, name) => ({ [name]: value, epoch: 3 }), inner);
      expect(found(value)).toBe(Object.keys(network).join());
    }),
  );
});

it("ends soon for dictionaries that hold themselves many times", () => {
  const value = new Map<unknown, unknown>();
  for (let i = 0; i < 3000; i++) value.set(`k${i}`, new Map(Array.from({ length: 30 }, (_, j) => [`k${j}`, value])));
  value.set("model", value);
  expect(() => findStateDict("x.pt", value)).toThrow("but a state dict");
  value.set("w", sized(2));
  expect(() => findStateDict("x.pt", value)).toThrow("several places");
});

describe("DeepSpeed's placeholders of ZeRO-3", () => {
  const state = (weights: number[][], more: Record<string, unknown>) => {
    const names = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];
    const module = new Map(names.map((name, i) => [name, sized(...weights[i])]));
    return new Map<string, unknown>([["module", module], ...Object.entries(more)]);
  };
  const shapes = {
    "fc1.weight": [8, 6],
    "fc1.bias": [8],
    "fc2.weight": [1, 8],
    "fc2.bias": [1],
  };
  const param_shapes = [new Map(Object.entries(shapes))];
  const elsewhere = /^x\.pt has no elements for (.*): the weights are in DeepSpeed's ZeRO-3 files/;
  const missing = (...given: Parameters<typeof state>): string | undefined => {
    try {
      findStateDict("x.pt", state(...given));
      return undefined;
    } catch (error) {
      return elsewhere.exec((error as Error).message)?.[1];
    }
  };

  it("have no elements, or one where the parameter has more", () => {
    expect(missing([[0], [8], [0], [1]], { ds_version: "0.16.2" })).toBe("fc1.weight, fc2.weight");
    expect(missing([[1], [8], [1], [1]], { param_shapes })).toBe("fc1.weight, fc2.weight");
    expect(missing([[1], [1], [1], [1]], { param_shapes: param_shapes[0] })).toBe(
      "fc1.weight, fc1.bias, fc2.weight and 1 more",
    );
    expect(missing([[1], [1], [1], [1]], { ds_version: "0.5.1" })).toBe("fc1.weight, fc1.bias, fc2.weight and 1 more");
    expect(missing(Object.values(shapes), { param_shapes })).toBeUndefined();
    expect(missing([[1, 1], [1], [1, 1], [1]], { ds_version: "0.5.1" })).toBeUndefined();
  });
});
