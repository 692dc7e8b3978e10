import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../core/index.ts";
import { type PickleHost, unpickle } from "./pickle.ts";
import { Unknown } from "./unknown.ts";
import { torchHost } from "./values.ts";

/** A host in which a name is its own value, and a call becomes text. */
const teller: PickleHost = {
  find: (module, name) => `${module}.${name}`,
  call: (callable, args) => `${callable}(${args.join()})`,
  load: (id) => ({ id }),
  fault: (what) => new UserError(what),
};

const run = (codes: string, host = teller) => unpickle(Buffer.from(codes, "latin1"), 0, host);
const value = (codes: string) => run(codes)!.value;

describe("values", () => {
  it.each([
    ["N.", null],
    ["\x88.", true],
    ["K\x07.", 7],
    ["M\x01\x02.", 513],
    ["J\xff\xff\xff\xff.", -1],
    ["\x8a\x00.", 0],
    ["\x8a\x02\x00\xff.", -256],
    ["\x8a\x07\xff\xff\xff\xff\xff\xff\x1f.", 2 ** 53 - 1],
    ["\x8b\x02\x00\x00\x00\x00\xff.", -256],
    ["\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.", 2n ** 64n],
    ["G\x3f\xf8\x00\x00\x00\x00\x00\x00.", 1.5],
    ["X\x02\x00\x00\x00\xc3\xa9.", "é"],
    ["X\x03\x00\x00\x00\xef\xbb\xbf.", "\ufeff"],
    ["\x8c\x01a.", "a"],
    ["\x8d\x01\x00\x00\x00\x00\x00\x00\x00a.", "a"],
    ["U\x01\xe9.", "é"],
    ["(K\x01K\x02t.", [1, 2]],
    ["K\x01K\x02K\x03\x87.", [1, 2, 3]],
    ["](K\x01K\x02e.", [1, 2]],
    ["]K\x01a.", [1]],
    ["}(K\x01K\x02u.", new Map([[1, 2]])],
    ["(K\x01K\x02d.", new Map([[1, 2]])],
    ["}K\x01K\x02s.", new Map([[1, 2]])],
    ["\x8f(K\x01\x90.", [1]],
    ["(K\x01\x91.", [1]],
    ["K\x01K\x020.", 1],
    ["K\x01(K\x021.", 1],
    ["K\x012\x86.", [1, 1]],
    ["K\x01q\x05h\x05\x86.", [1, 1]],
    ["K\x01\x94h\x00\x86.", [1, 1]],
    ["cos\nsystem\n.", "os.system"],
    ["\x8c\x02os\x8c\x06system\x93.", "os.system"],
    ["I7\n.", 7],
    ["I-12\n.", -12],
    ["I00\n.", false],
    ["I01\n.", true],
    ["I123456789012345678901\n.", 123456789012345678901n],
    ["L7L\n.", 7],
    ["L-18446744073709551616L\n.", -(2n ** 64n)],
    ["F1.5\n.", 1.5],
    ["F-1e-3\n.", -0.001],
    ["Fnan\n.", Number.NaN],
    ["F-inf\n.", Number.NEGATIVE_INFINITY],
    ["S'a\\'\\x41\\n\\\\'\n.", "a'A\n\\"],
    ['S"it\'s"\n.', "it's"],
    ["V\xe9\\u20ac\\U0001f600\n.", "é€😀"],
    ["(I1\nI2\nl.", [1, 2]],
    [
      "(I1\nI2\ntp0\ng0\n\x86.",
      [
        [1, 2],
        [1, 2],
      ],
    ],
    ["(dp0\nVa\nI1\ns.", new Map([["a", 1]])],
    ["(ios\nsystem\n.", "os.system()"],
    ["(I1\nios\nsystem\n.", "os.system(1)"],
    ["(cos\nsystem\nI1\no.", "os.system(1)"],
    ["P5\n.", { id: "5" }],
    ["\x82\x01.", "copyreg.extension 1"],
    ["\x83\x01\x02.", "copyreg.extension 513"],
    ["\x84\x01\x00\x00\x00.", "copyreg.extension 1"],
    ["B\x02\x00\x00\x00ab.", Buffer.from("ab")],
    ["\x96\x01\x00\x00\x00\x00\x00\x00\x00a\x98.", Buffer.from("a")],
    ["cos\nsystem\nK\x01\x85R.", "os.system(1)"],
    ["cos\nsystem\n)}\x92.", "os.system()"],
    ["cos\nsystem\n)\x81}b.", "os.system()"],
    ["K\x05Q.", { id: 5 }],
  ])("%j", (codes, expected) => {
    expect(value(codes)).toEqual(expected);
    expect(value(`\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00${codes}`)).toEqual(expected);
  });

  it("returns where it ends, or that it does not end", () => {
    expect(run("K\x01.rest")).toEqual({ value: 1, end: 3 });
    for (const codes of ["", "K", "X\xff\xff\xff\x7fabc", "cos\nsys", "\x8d\x01\x00\x00\x00\x00\x00\x00\xff"]) {
      expect(run(codes)).toBeUndefined();
    }
  });
});

describe("invalid programs", () => {
  it.each([
    ["0", "takes a value from an empty stack"],
    ["K\x01(0", "takes a value from an empty stack"],
    [".", "takes a value from an empty stack"],
    ["t", "closes a list that was never opened"],
    ["h\x00", "reads a memo entry that was never written"],
    ["K\x01K\x02a", "appends to something that is not a list"],
    ["]K\x01K\x02s", "sets items of something that is not a dictionary"],
    ["}(K\x01u", "sets items of something that is not a dictionary"],
    ["K\x01K\x02R", "calls a function with arguments that are not a tuple"],
    ["K\x01K\x02\x93", "contains a class name that is not a string"],
    ["\x80\x06", "protocol newer than 5"],
    ["\xff", "contains the operation 0xff"],
    ["\x97", "keeps data outside the file"],
    ["I1x\n", '"1x" instead of a number'],
    ["F0x1\n", '"0x1" instead of a number'],
    ["Sa\n", "has no quotes"],
    ["K\x01p-1\n", '"-1" instead of a number'],
    ["g7\n", "reads a memo entry that was never written"],
    ["X\x01\x00\x00\x00\xff.", "is not valid UTF-8"],
    ["\x8b\x00\x00\x01\x00", "an integer of more than 1,024 bytes"],
    ["N0".repeat(2 ** 21), "has too many operations for a state dict"],
  ])("%.20j", (codes, fault) => {
    expect(() => run(codes)).toThrow(fault);
  });

  it("cannot make copies grow without end", () => {
    const pairs = `(${"K\x01K\x02\x86".repeat(1000)}lq\x00`;
    const copies = "ccollections\nOrderedDict\nh\x00\x85R0".repeat(5000);
    expect(() => run(`${pairs}${copies}.`, torchHost("x.pt", new Map()))).toThrow(
      "copies too many items for a state dict",
    );
  });
});

describe("objects of unknown classes", () => {
  const unknown = (codes: string) => {
    const value = run(codes, torchHost("x.pt", new Map()))!.value;
    expect(value).toBeInstanceOf(Unknown);
    return value as Unknown;
  };

  it.each([
    ["a class", "cmine\nThing\n."],
    ["a call", "cmine\nThing\n(K\x01tR."],
    ["a call with what is no tuple", "cmine\nThing\nK\x01R."],
    ["a new object", "cmine\nThing\n)\x81."],
    ["a new object with named arguments", "cmine\nThing\n)}\x92."],
    ["an instance", "(imine\nThing\n."],
    ["an object of it", "(cmine\nThing\no."],
    ["its state", "cmine\nThing\n)\x81}(X\x01\x00\x00\x00aK\x01ub."],
    ["items of a list", "cmine\nThing\n)\x81(K\x01K\x02eK\x03a."],
    ["a call of what a call gave", "cmine\nThing\n)R)R."],
  ])("stay so after %s", (_, codes) => expect(unknown(codes).name).toBe("mine.Thing"));

  it("keep the items of a dict subclass, and recognise a module by its state", () => {
    expect([...unknown("cmine\nThing\n)\x81(K\x01K\x02u.")]).toEqual([[1, 2]]);
    expect(unknown("cmine\nNet\n)\x81}(X\x08\x00\x00\x00_modules}ub.").isModule).toBe(true);
    expect(unknown("cmine\nNet\n)\x81}(X\x01\x00\x00\x00a}ub.").isModule).toBe(false);
  });
});

it("ends every random program with a value, too few bytes, or a UserError", () => {
  const operations = [
    ..."N(.012abcdehjlqrstuQRTUXIFLSVpgoiP\n]})\x80\x81\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x91\x93\x94\x82\x97\x98KJM",
  ];
  const globals = [
    "collections\nOrderedDict",
    "torch\nFloatStorage",
    "torch._utils\n_rebuild_tensor_v2",
    "torch\nSize",
    "mine\nThing",
    "numpy\ndtype",
    "numpy.core.multiarray\n_reconstruct",
    "_codecs\nencode",
    "torch._tensor\n_rebuild_from_type_v2",
  ];
  const storage = "(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ";
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...operations) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 255 }).map((n) => `K${String.fromCharCode(n)}`) },
    { weight: 1, arbitrary: fc.constantFrom(...globals).map((name) => `c${name}\n`) },
    { weight: 1, arbitrary: fc.constantFrom(storage, `ctorch._utils\n_rebuild_tensor\n(${storage}K\x00)(ttR`) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)) },
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60, size: "max" }), (pieces) => {
      try {
        run(pieces.join(""), torchHost("x.pt", new Map()));
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { numRuns: 3000 },
  );
});
