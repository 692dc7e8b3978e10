import { describe, expect, it } from "vitest";
import { fillFrame, readFrame } from "./frame.ts";

const bert = readFrame({ type: "BertProcessing", cls: ["[CLS]", 1], sep: ["[SEP]", 2] }, "t");
const roberta = readFrame({ type: "RobertaProcessing", cls: ["<s>", 0], sep: ["</s>", 2] }, "t");
const a = [11, 12, 13, 14, 15];
const b = [21, 22, 23, 24, 25, 26, 27];

describe("a frame", () => {
  it("surrounds a text, and separates two", () => {
    expect(fillFrame(bert, [a.slice(0, 2)], 9).ids).toEqual([1, 11, 12, 2]);
    const { ids, types, cut } = fillFrame(bert, [a.slice(0, 2), b.slice(0, 1)], 9);
    expect(ids).toEqual([1, 11, 12, 2, 21, 2]);
    expect(types).toEqual([0, 0, 0, 0, 1, 1]);
    expect(cut).toBe(0);
    expect(fillFrame(roberta, [a.slice(0, 1), b.slice(0, 1)], 9).ids).toEqual([0, 11, 2, 2, 21, 2]);
  });

  it("is read from a template, on its own or in a sequence", () => {
    const special_tokens = { "[X]": { id: "[X]", ids: [7, 8], tokens: [] } };
    const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
    const mark = { SpecialToken: { id: "[X]", type_id: 1 } };
    const template = {
      type: "TemplateProcessing",
      single: [sequence("A", 0)],
      pair: [sequence("B", 0), mark, sequence("A", 2)],
      special_tokens,
    };
    for (const processor of [template, { type: "Sequence", processors: [{ type: "ByteLevel" }, template] }]) {
      const { ids, types } = fillFrame(readFrame(processor, "t"), [a.slice(0, 1), b.slice(0, 1)], 9);
      expect(ids).toEqual([21, 7, 8, 11]);
      expect(types).toEqual([0, 1, 1, 2]);
    }
  });

  it("is empty without a post-processor; an unknown one is refused", () => {
    expect(fillFrame(readFrame(null, "t"), [a, b], 99).ids).toEqual([...a, ...b]);
    expect(() => readFrame({ type: "Other" }, "tokenizer.json")).toThrow(
      'tokenizer.json has a post_processor of type "Other"',
    );
  });

  it.each([
    [12, 4, 5],
    [11, 4, 4],
    [10, 3, 4],
    [6, 1, 2],
    [3, 0, 0],
  ])("cuts the longer of two texts first: %i tokens", (longest, first, second) => {
    const { ids, cut } = fillFrame(bert, [a, b], longest);
    expect(ids).toEqual([1, ...a.slice(0, first), 2, ...b.slice(0, second), 2]);
    expect(cut).toBe(12 - first - second);
  });

  it("cuts a text at its end or at its start", () => {
    expect(fillFrame(bert, [a], 4).ids).toEqual([1, 11, 12, 2]);
    expect(fillFrame(bert, [a], 4, true).ids).toEqual([1, 14, 15, 2]);
  });
});
