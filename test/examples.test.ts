// Every name of the public library is documented, and the examples of its documentation compile, run, and print what
// they say. They run in a copy of docs/examples, with its two checkpoints and its data set.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import * as promises from "node:fs/promises";
import { join } from "node:path";
import { format } from "node:util";
import * as runtime from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as checkpoints from "../src/checkpoints.ts";
import { projectRoot } from "../src/core/index.ts";
import * as graph from "../src/graph.ts";
import * as library from "../src/index.ts";
import { bodyOf, documentedNames, expectedLines, faultsIn } from "./examples.ts";

const modules = {
  layerwise: library,
  "layerwise/graph": graph,
  "layerwise/checkpoints": checkpoints,
  "node:fs/promises": promises,
  "onnxruntime-node": runtime,
};
const names = documentedNames();
const examples = names.flatMap((one) => one.examples);

it("every exported name is documented", () => {
  expect(names.filter(({ text }) => text === "").map(({ name }) => name)).toEqual([]);
});

it("every function, class and constant has an example, or a link to a name that has one", () => {
  const shown = new Set(examples.map(({ name }) => name));
  const bare = names.filter(({ isValue, name, links }) => isValue && ![name, ...links].some((one) => shown.has(one)));
  expect(bare.map(({ name }) => name)).toEqual([]);
});

it("the examples compile", () => {
  expect(faultsIn(examples)).toEqual([]);
});

describe("the examples print what they say", () => {
  const home = process.cwd();
  const cache = join(projectRoot, ".cache");
  let folder = "";
  beforeAll(() => {
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, "examples-"));
    cpSync(join(projectRoot, "docs/examples"), folder, { recursive: true });
    process.chdir(folder);
  });
  afterAll(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  });

  for (const { name, code } of examples) {
    it(name, async () => {
      const printed: string[] = [];
      const log = (...values: unknown[]) =>
        printed.push(
          ...format(...values)
            .trimEnd()
            .split("\n"),
        );
      await new Function("modules", "console", bodyOf(code))(modules, { log });
      expect(printed).toEqual(expectedLines(code));
      expect(printed.length).toBeGreaterThan(0);
    });
  }
});
