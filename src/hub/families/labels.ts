// Reads a classifier's labels from its config.json: their number, their names, and the loss.
import type { Config } from "../config.ts";
import type { NetworkTask } from "../network.ts";

/**
 * The task of a network with a head for labels. A token has exactly one label; a sample may have several, or values.
 */
export function readTask(config: Config, { isByToken = false } = {}): NetworkTask {
  const names = readNames(config);
  const count = names?.length ?? config.size("num_labels", 2);
  const labels = { count, ...(names ? { names: new Map(names.map((name, i) => [name, i])) } : {}) };
  if (isByToken) return { kind: "classes", isByToken, ...labels };
  const type = config.text("problem_type", count === 1 ? "regression" : "single_label_classification");
  const kind = kinds[type];
  if (!kind) throw config.fault("problem_type", `is "${type}", an unknown kind of problem`);
  return { kind, ...labels, ...(kind === "classes" && !config.has("problem_type") ? { isOpen: true } : {}) };
}

const kinds: Readonly<Record<string, NetworkTask["kind"]>> = {
  single_label_classification: "classes",
  multi_label_classification: "labels",
  regression: "values",
};

/** The names by index, from `id2label`. `label2id` must agree with it. */
function readNames(config: Config): readonly string[] | undefined {
  const byId = config.part("id2label");
  if (!byId) return undefined;
  const count = Object.keys(byId.keys).length;
  if (count === 0) throw config.fault("id2label", "is empty");
  const names = Array.from({ length: count }, (_, i) => {
    if (!byId.has(String(i))) throw config.fault("id2label", `has ${count} labels, but no label ${i}`);
    return String(byId.keys[i]);
  });
  const byName = config.part("label2id");
  for (const [i, name] of names.entries()) {
    const number = byName?.has(name) ? numberOf(byName, name) : i;
    if (names[number] !== name)
      throw config.fault("label2id", `maps "${name}" to ${number}, but id2label has it at ${i}`);
  }
  return names;
}

/** A label's index, which some programs write as a string. */
function numberOf(byName: Config, name: string): number {
  const value = byName.keys[name];
  return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : byName.number(name);
}

/** The kind of an encoder's head: scores of the text, of each token, or of the words that a masked token may be. */
export type Head = "sequence" | "token" | "masked";

const heads: readonly (readonly [string, Head])[] = [
  ["ForSequenceClassification", "sequence"],
  ["ForTokenClassification", "token"],
  ["ForMaskedLM", "masked"],
];

/** The architectures of an encoder by the prefix of its classes: `Bert`. */
export const encoderArchitectures = (name: string): string[] => heads.map(([suffix]) => name + suffix);

/** The head of an architecture, and its task. Throws {@link UserError} if the config names none. */
export function readHead(config: Config, architecture: string | undefined): { head: Head; task: NetworkTask } {
  const [, head] = heads.find(([suffix]) => architecture?.endsWith(suffix)) ?? [];
  if (!head) throw config.fault("architectures", "is missing, so the network's head is unknown");
  if (head !== "masked") return { head, task: readTask(config, { isByToken: head === "token" }) };
  config.only("tie_word_embeddings", true);
  return { head, task: { kind: "classes", isByToken: true, count: config.size("vocab_size") } };
}
