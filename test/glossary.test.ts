// Holds code and documents to docs/glossary.md: no retired word, JSON fields and recipe keys are terms, comments are
// short.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { measurementJsonSchema } from "../src/connectivity/index.ts";
import { projectRoot } from "../src/core/index.ts";
import { recipeSchema } from "../src/experiments/recipe/index.ts";
import { filesOf, pages } from "./pages.ts";

const read = (file: string) => readFileSync(join(projectRoot, file), "utf8");
const glossary = read("docs/glossary.md");
const [definitions, retired] = glossary.split("## Retired words");
const terms = new Set([...definitions.matchAll(/^\| \*\*(.+?)\*\*/gm)].map(([, term]) => term));
const retiredWords = retired
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .flatMap((line) => [...line.split("|")[1].matchAll(/`(.+?)`/g)].map(([, word]) => word));
const either = (word: string) => `[${word[0]}${word[0].toUpperCase()}]${word.slice(1).replaceAll(" ", "\\s+")}`;
const pattern = new RegExp(`(?<![a-zA-Z])(${retiredWords.map(either).join("|")})(?![a-z])`, "g");

/** Retired words in a text. */
const retiredWordsIn = (text: string) => [...text.matchAll(pattern)].map(([word]) => word.replace(/\s+/g, " "));

/** Old names that are still read. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  "src/jobs/folder.ts": ["begun"],
  "test/cluster/old-folder.test.ts": ["begun"],
};

const code = ["src", "test", "scripts", "bench"]
  .flatMap(filesOf)
  .filter((file) => /\.(ts|mjs|js|py|sh)$/.test(file) && !file.endsWith("glossary.test.ts"));
const documents = [
  ...pages,
  ...filesOf("docs").filter((file) => /\.(mjs|yaml)$/.test(file)),
  ...filesOf("recipes").filter((file) => file.endsWith(".yaml")),
].filter((file) => file !== "docs/glossary.md");

describe("the glossary", () => {
  it("finds a planted word, in prose and in a name", () => {
    expect(retiredWordsIn("The file tells the\ntask; toldLayers = so\nmany")).toEqual(["tells", "told", "so many"]);
    expect(retiredWordsIn("Resumes an untouched outline")).toEqual([]);
  });

  it.each([
    ["the code", code],
    ["the documents", documents],
  ])("has no retired word in %s", (_, files) => {
    const found = files.flatMap((file) =>
      retiredWordsIn(read(file)).flatMap((word) => (exceptions[file]?.includes(word) ? [] : [`${file}: ${word}`])),
    );
    expect(found).toEqual([]);
  });

  it("finds no comment line over 120 columns", () => {
    const isLong = (line: string) => line.length > 120 && /^\s*(\/\/|\*|\/\*|# )/.test(line);
    const found = code.flatMap((file) =>
      read(file)
        .split("\n")
        .flatMap((line) => (isLong(line) ? [`${file}: ${line}`] : [])),
    );
    expect(found).toEqual([]);
  });

  it.each([
    ["measure@1", measurementJsonSchema() as { properties: object }, ["schema", "a", "b", "data", "layer_alphas"]],
    [
      "a recipe",
      z.toJSONSchema(recipeSchema, { io: "input", unrepresentable: "any" }) as { properties: object },
      ["name", "data", "measure", "federated", "figure"],
    ],
  ])("defines the fields of %s", (_, { properties }, others) => {
    const fields = Object.keys(properties).filter((name) => !others.includes(name));
    expect(fields.filter((name) => !terms.has(name) && !terms.has(name.replace(/s$/, "")))).toEqual([]);
  });
});
