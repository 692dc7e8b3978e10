// The check before a merge: what two folders have in common, differences that would make a merge useless, and
// differences that are only worth a note. Reads configs, tokenizers and the headers of the weights.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { dtypesBySize, listSome } from "../../core/index.ts";
import type { JsonObject } from "../config.ts";
import type { FolderWeights, ModelFolder } from "../folder.ts";
import { readJson } from "../json.ts";
import { givenNames, hasLabels, longestText } from "../network.ts";
import { compareTokenizers } from "../text/compare.ts";
import { hasTokenizer, readTokenizerFiles, type TokenizerFiles, tokenizerFolder } from "../text/tokenizer.ts";
import { compareNetworks, type Difference } from "./compare.ts";
import { describeArchitecture, ropeSettings } from "./describe.ts";

const checkSchema = z.object({
  name: z
    .string()
    .describe(
      "What was compared: `architecture`, `sizes`, `settings`, `rope`, `vocabulary`, `ties`, `tokenizer`, `dtype`, …",
    ),
  status: z
    .enum(["same", "different", "missing"])
    .describe("`missing`: one of the two, or neither, has the file that this is about."),
  garbage: z.boolean().describe("True if this difference makes a merge useless."),
  says: z.string().describe("What both have, or what differs."),
});

export const preflightSchema = z.object({
  can_average: z.boolean().describe("False if a merge would be useless."),
  verdict: z.string().describe("The same as a sentence."),
  checks: z.array(checkSchema).readonly().describe("Every comparison, in the order in which it is printed."),
});

export type Check = Readonly<z.infer<typeof checkSchema>>;
export type Preflight = Readonly<z.infer<typeof preflightSchema>>;

/** Compares two folders with open weights. */
export async function checkPair(x: FolderWeights, y: FolderWeights): Promise<Preflight> {
  const [a, b] = [x.model, y.model];
  const checks = [
    ...checkNetworks(a, b),
    ...(await checkTokenizers(a, b)),
    await checkGeneration(a, b),
    note("dtype", describeTypes(x), describeTypes(y)),
  ];
  return { can_average: !checks.some(({ garbage }) => garbage), verdict: verdictOf(checks), checks };
}

/** A check that never makes a merge useless: what both have, or what differs. */
function note(name: string, a: string, b: string): Check {
  if (a === b) return { name, status: "same", garbage: false, says: a };
  return { name, status: "different", garbage: false, says: `${a} and ${b}; a merge keeps a's` };
}

/** The line of the check on which a setting is reported; default `settings`. */
const lines: readonly (readonly [line: string, settings: RegExp])[] = [
  ["architecture", /^model_type$/],
  ["sizes", /^(blocks|width|context|heads|inner|positions|types)$|[ .](heads|keyValueHeads|headDim|mlp\.width)$/],
  ["rope", /^rope$/],
  ["vocabulary", /^vocabulary$/],
  ["ties", /^isTied$/],
  ["labels", /^labels?( |$)/],
];

function checkNetworks(a: ModelFolder, b: ModelFolder): Check[] {
  const found = new Map<string, Difference[]>();
  for (const one of compareNetworks(a, b)) {
    const [line] = lines.find(([, settings]) => settings.test(one.name)) ?? ["settings"];
    found.set(line, [...(found.get(line) ?? []), one]);
  }
  const check = (
    name: string,
    says: string,
    differs = (some: readonly Difference[]) => listDifferences(some),
  ): Check => {
    const some = found.get(name);
    if (!some) return { name, status: "same", garbage: false, says };
    return { name, status: "different", garbage: true, says: differs(some) };
  };
  const both = (describe: (model: ModelFolder) => string) => () => `${describe(a)} and ${describe(b)}`;
  const isOneFamily = a.family === b.family;
  const { input } = a.network;
  const hasSizeOfContext = [a, b].some(({ network: { input } }) => input.kind === "pixels" || input.isBounded);
  return [
    isOneFamily
      ? note("architecture", describeArchitecture(a), describeArchitecture(b))
      : check("architecture", "", both(describeArchitecture)),
    check(
      "sizes",
      a.network.sizes.join(", "),
      (some) => listUnique(a.network.sizes, b.network.sizes) ?? listDifferences(some),
    ),
    ...(isOneFamily ? [check("settings", "all others")] : []), // settings of two families cannot be compared
    check("rope", describeRope(a), ([{ a: one, b: other }]) => `a ${one}; b ${other}`),
    ...(input.kind === "pixels" ? [] : [check("vocabulary", describeVocabulary(a), both(describeVocabulary))]),
    check("ties", describeTies(a), both(describeTies)),
    ...(hasLabels(a.network) ? [check("labels", describeLabels(a))] : []),
    ...(hasSizeOfContext ? [] : [note("context", describeContext(a), describeContext(b))]),
  ];
}

/** The entries that only one of two descriptions has; undefined unless both have some. */
function listUnique(a: readonly string[], b: readonly string[]): string | undefined {
  const [x, y] = [a.filter((one) => !b.includes(one)), b.filter((one) => !a.includes(one))];
  return x.length && y.length ? `a ${x.join(", ")}; b ${y.join(", ")}` : undefined;
}

const listDifferences = (some: readonly Difference[]): string =>
  listSome(
    some.map(({ name, a = "unset", b = "unset" }) => `${name} ${a} and ${b}`),
    4,
  );

/** The kind and the base. */
const describeRope = (model: ModelFolder) => ropeSettings(model).slice(0, 2).join(", ");
const describeVocabulary = ({ network: { input } }: ModelFolder) =>
  input.kind === "pixels" ? "none" : input.vocabulary.toLocaleString("en-GB");
const describeTies = ({ network }: ModelFolder) => (network.ties.length ? "head tied to the embedding" : "untied head");
const describeContext = ({ network }: ModelFolder) => longestText(network.input).toLocaleString("en-GB");

/** The names of the labels, or their number. */
function describeLabels({ network: { task } }: ModelFolder): string {
  const names = givenNames(task);
  return names.length ? listSome(names, 4) : `${task.count}`;
}

async function checkTokenizers(a: ModelFolder, b: ModelFolder): Promise<Check[]> {
  const folders = [a, b].map(tokenizerFolder);
  const there = folders.map(hasTokenizer);
  if (there.includes(false)) {
    const where = there.includes(true) ? (there[0] ? "b has" : "a has") : "both have";
    const says = `${where} no tokenizer.json, so their tokens cannot be compared`;
    return [{ name: "tokenizer", status: "missing", garbage: false, says }];
  }
  const [x, y] = [await readTokenizerFiles(folders[0]), await readTokenizerFiles(folders[1])];
  const difference = compareTokenizers(x, y);
  return [
    difference
      ? { name: "tokenizer", status: "different", garbage: !difference.isAround, says: difference.says }
      : { name: "tokenizer", status: "same", garbage: false, says: "tokenizer.json" },
    note("special tokens", describeTokens(x, y), describeTokens(y, x)),
    checkTemplates(x, y),
  ];
}

/** The special tokens that differ from another tokenizer's; if none differ, all that are set. */
function describeTokens({ tokens }: TokenizerFiles, other: TokenizerFiles): string {
  const all = Object.keys(tokens);
  const unlike = all.filter((name) => tokens[name] !== other.tokens[name]);
  const listed = unlike.length ? unlike : all.filter((name) => tokens[name]);
  return listed.map((name) => `${name.replace("_token", "")} ${tokens[name] || "unset"}`).join(", ") || "none";
}

function checkTemplates({ template: a }: TokenizerFiles, { template: b }: TokenizerFiles): Check {
  const name = "chat template";
  if (a === b) return { name, status: "same", garbage: false, says: a === undefined ? "none" : "the same" };
  if (a === undefined || b === undefined) return only(name, a === undefined ? "b" : "a");
  return { name, status: "different", garbage: false, says: "a merge keeps a's" };
}

const only = (name: string, end: "a" | "b"): Check => ({
  name,
  status: "missing",
  garbage: false,
  says: `only ${end} has one, which a merge ${end === "b" ? "omits" : "keeps"}`,
});

/** Keys of generation_config.json that do not affect generation. */
const metadataKeys = ["transformers_version", "_from_model_config"];

async function checkGeneration(a: ModelFolder, b: ModelFolder): Promise<Check> {
  const name = "generation config";
  const [x, y] = [await readGeneration(a), await readGeneration(b)];
  if (!x && !y) return { name, status: "same", garbage: false, says: "none" };
  if (!x || !y) return only(name, x ? "a" : "b");
  const keys = [...new Set([...Object.keys(x), ...Object.keys(y)])].filter((key) => !metadataKeys.includes(key));
  const textOf = (keys: JsonObject, key: string) => JSON.stringify(keys[key]) ?? "unset";
  const unlike = keys.filter((key) => textOf(x, key) !== textOf(y, key));
  if (!unlike.length) return { name, status: "same", garbage: false, says: "generation_config.json" };
  const says = listSome(
    unlike.map((key) => `${key} ${textOf(x, key)} and ${textOf(y, key)}`),
    3,
  );
  return { name, status: "different", garbage: false, says: `${says}; a merge keeps a's` };
}

async function readGeneration({ folder, adapter }: ModelFolder): Promise<JsonObject | undefined> {
  const paths = [adapter?.folder, folder].flatMap((one) => (one ? [join(one, "generation_config.json")] : []));
  const path = paths.find((one) => existsSync(one));
  return path === undefined ? undefined : readJson(path);
}

/** The dtype of most weights, then the others. */
function describeTypes({ tensors }: FolderWeights): string {
  const [most, ...others] = dtypesBySize(tensors.values());
  return others.length ? `${most}, some ${others.join(", ")}` : most;
}

function verdictOf(checks: readonly Check[]): string {
  const listed = (some: readonly Check[]) => {
    const names = some.map(({ name }) => name);
    const differ = names.length > 1 || /[^s]s$/.test(names[0]) ? "differ" : "differs";
    return `${[names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ")} ${differ}`;
  };
  const faults = checks.filter(({ garbage }) => garbage);
  if (faults.length) return `These two are not compatible: ${listed(faults)}.`;
  const isUnknown = checks.some(({ name, status }) => name === "tokenizer" && status === "missing");
  const notes = checks.filter(({ status }) => status === "different");
  const condition = isUnknown ? " if they have the same tokenizer" : "";
  return `These two are compatible${condition}${notes.length ? `; ${listed(notes)}` : ""}.`;
}
