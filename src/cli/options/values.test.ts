import { expect, it } from "vitest";
import { keys } from "./values.ts";

it.each<[readonly string[], object]>([
  [["g_ema"], { a: "g_ema", b: "g_ema", init: "g_ema" }],
  [["a=g"], { a: "g" }],
  [["a=g", "b=ema.model"], { a: "g", b: "ema.model" }],
  [["g", "b=ema"], { a: "g", b: "ema", init: "g" }],
  [["b=ema", "g"], { a: "g", b: "ema", init: "g" }],
  [["c=d"], { a: "c=d", b: "c=d", init: "c=d" }],
])("--key %j", (given, expected) => {
  expect(given.reduce((before, text) => keys(text, before), {})).toEqual(expected);
});

it.each(["", "a="])("--key %j is no name", (text) => {
  expect(() => keys(text)).toThrow("the name of a dictionary");
});
