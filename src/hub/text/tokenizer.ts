// The tokenizer of a folder: tokenizer.json, with the special tokens and the chat template from their own files. The
// format is that of the `tokenizers` library; its JavaScript counterpart encodes.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Tokenizer as Encoder } from "@huggingface/tokenizers";
import { sha256, sha256Value, UserError } from "../../core/index.ts";
import type { JsonObject } from "../config.ts";
import type { ModelFolder } from "../folder.ts";
import { readJson } from "../json.ts";
import { extractRules, filledFile } from "./canonical.ts";
import { type ChatTemplate, chatTemplate, readTemplate } from "./chat-template.ts";
import { type Frame, readFrame } from "./frame.ts";

/** The contents of a folder's tokenizer files, before an encoder is made. */
export interface TokenizerFiles {
  readonly path: string;
  /** tokenizer.json. */
  readonly own: JsonObject;
  /** The parts of it that affect the ids of a text. */
  readonly rules: JsonObject;
  /** tokenizer_config.json. */
  readonly settings: JsonObject;
  /** The special tokens by their names, such as `eos_token`; "" for a missing one. */
  readonly tokens: Readonly<Record<string, string>>;
  /** The chat template; undefined if the folder has none. */
  readonly template: string | undefined;
  /** Equal for tokenizers that turn every text into the same ids. */
  readonly sha256: string;
}

export interface Tokenizer {
  readonly path: string;
  /** Equal for tokenizers that turn every text into the same ids. */
  readonly sha256: string;
  /** Equal for tokenizers that also turn conversations and the ends of texts into the same ids. */
  readonly rulesSha256: string;
  /** The ids of a text, with or without the special tokens that the post-processor adds. */
  encode(text: string, addSpecialTokens: boolean): readonly number[];
  /** The id that ends a text; undefined if the folder names none. */
  readonly end: number | undefined;
  /** The id that pads texts to one length; undefined if the folder names none. */
  readonly padding: number | undefined;
  /** The special tokens around a text, and between two. Throws {@link UserError} for an unsupported post-processor. */
  frame(): Frame;
  /** Long texts are cut at the start, not at the end. */
  readonly isCutAtStart: boolean;
  /** Texts are padded on the left, which moves their tokens. */
  readonly isPaddedLeft: boolean;
  /** The network is given token types; otherwise all are 0. */
  readonly hasTypes: boolean;
  /** The text of a conversation. */
  readonly render: ChatTemplate["render"];
}

/** The folder with a model's tokenizer: an adapter may have its own. */
export const tokenizerFolder = ({ folder, adapter }: Pick<ModelFolder, "folder" | "adapter">): string =>
  adapter && hasTokenizer(adapter.folder) ? adapter.folder : folder;

export const hasTokenizer = (folder: string): boolean => existsSync(join(folder, "tokenizer.json"));

/** Reads the tokenizer of a folder. Throws {@link UserError} if there is none, or if it cannot be read. */
export async function readTokenizer(folder: string): Promise<Tokenizer> {
  const { path, own, settings, tokens, template, sha256: hash } = await readTokenizerFiles(folder);
  const { render } = await chatTemplate(folder, template, tokens);
  const encoder = await makeEncoder(path, own, settings);
  const idOf = (token: string) => (token ? encoder.token_to_id(token) : undefined);
  const end = idOf(tokens.eos_token);
  const names = settings.model_input_names;
  return {
    path,
    sha256: hash,
    rulesSha256: sha256(JSON.stringify([hash, end ?? null, template ?? null, tokens])),
    encode: (text, add_special_tokens) => encoder.encode(text, { add_special_tokens }).ids,
    end,
    padding: idOf(tokens.pad_token),
    frame: () => readFrame(own.post_processor, path),
    isCutAtStart: settings.truncation_side === "left",
    isPaddedLeft: settings.padding_side === "left",
    hasTypes: !Array.isArray(names) || names.includes("token_type_ids"),
    render,
  };
}

/** Reads the files of a tokenizer. Throws {@link UserError} if there is none, or if a file is not JSON. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const path = join(folder, "tokenizer.json");
  if (!hasTokenizer(folder)) {
    const sentencepiece = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model"].find((name) =>
      existsSync(join(folder, name)),
    );
    throw new UserError(
      sentencepiece
        ? `${folder} has ${sentencepiece} but no tokenizer.json. Write one in Python: AutoTokenizer.from_pretrained(${JSON.stringify(folder)}).save_pretrained(${JSON.stringify(folder)}).`
        : `${folder} has no tokenizer.json. Copy it from where the model came from.`,
    );
  }
  const own = await readJson(path);
  const settings = await readOptional(join(folder, "tokenizer_config.json"));
  const tokens = specialTokens({ ...(await readOptional(join(folder, "special_tokens_map.json"))), ...settings });
  const template = await readTemplate(folder, settings);
  const rules = extractRules(own);
  return { path, own, rules, settings, tokens, template, sha256: sha256Value(rules) };
}

async function makeEncoder(path: string, own: JsonObject, settings: JsonObject): Promise<Encoder> {
  const { Tokenizer } = await import("@huggingface/tokenizers"); // only texts need it
  try {
    return new Tokenizer(filledFile(own), settings);
  } catch (error) {
    throw new UserError(`${path} cannot be read as a tokenizer: ${(error as Error).message}. Copy the file again.`, {
      cause: error,
    });
  }
}

/** The texts of the special tokens. Files store them as strings or objects. */
function specialTokens(settings: JsonObject): Record<string, string> {
  const textOf = (token: unknown) =>
    typeof token === "string" ? token : ((token as { content?: string } | null | undefined)?.content ?? "");
  return Object.fromEntries(
    ["bos_token", "eos_token", "unk_token", "pad_token"].map((name) => [name, textOf(settings[name])]),
  );
}

export const readOptional = async (path: string): Promise<JsonObject> => (existsSync(path) ? readJson(path) : {});
