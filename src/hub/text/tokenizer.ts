// The tokenizer of a folder: tokenizer.json, with the special tokens and the chat template beside it. Source: the `tokenizers` library's format; its
// JavaScript counterpart does the work.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Tokenizer as Encoder } from "@huggingface/tokenizers";
import { sha256, sha256Value, UserError } from "../../core/index.ts";
import type { JsonObject } from "../config.ts";
import type { ModelFolder } from "../folder.ts";
import { readJson } from "../json.ts";
import { filledFile, meaningOf } from "./canonical.ts";
import { type ChatTemplate, chatTemplate, readTemplate } from "./chat-template.ts";
import { type Frame, readFrame } from "./frame.ts";

/** What the files of a folder say, before an encoder is made of it. */
export interface TokenizerFiles {
  readonly path: string;
  /** tokenizer.json. */
  readonly own: JsonObject;
  /** What of it decides how a text is read. */
  readonly meaning: JsonObject;
  /** tokenizer_config.json. */
  readonly settings: JsonObject;
  /** The special tokens by their names, such as `eos_token`; "" where there is none. */
  readonly tokens: Readonly<Record<string, string>>;
  /** The chat template; undefined where the folder has none. */
  readonly template: string | undefined;
  /** Equal for tokenizers that turn every text into the same ids. */
  readonly sha256: string;
}

export interface Tokenizer {
  readonly path: string;
  /** Equal for tokenizers that turn every text into the same ids. */
  readonly sha256: string;
  /** Equal where conversations and the ends of texts become the same ids too. */
  readonly rulesSha256: string;
  /** Ids, with the special tokens that the post-processor adds, or without them. */
  encode(text: string, addSpecialTokens: boolean): readonly number[];
  /** The id that ends a text; undefined where the folder names none. */
  readonly end: number | undefined;
  /** The id that fills texts up to one length; undefined where the folder names none. */
  readonly padding: number | undefined;
  /** The special tokens around a text, and between two. Throws {@link UserError} where they are unknown. */
  frame(): Frame;
  /** What is too long is cut at its beginning, not at its end. */
  readonly isCutAtBeginning: boolean;
  /** Texts are filled up in front of them, which moves their tokens. */
  readonly isPaddedInFront: boolean;
  /** The network gets the types of tokens; else all are 0. */
  readonly hasTypes: boolean;
  /** The text of a conversation. */
  readonly render: ChatTemplate["render"];
}

/** The folder with a model's tokenizer: an adapter may have one of its own. */
export const tokenizerFolder = ({ folder, adapter }: Pick<ModelFolder, "folder" | "adapter">): string =>
  adapter && hasTokenizer(adapter.folder) ? adapter.folder : folder;

export const hasTokenizer = (folder: string): boolean => existsSync(join(folder, "tokenizer.json"));

/** Reads the tokenizer of a folder. Throws {@link UserError} where there is none, or one that cannot be read. */
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
    isCutAtBeginning: settings.truncation_side === "left",
    isPaddedInFront: settings.padding_side === "left",
    hasTypes: !Array.isArray(names) || names.includes("token_type_ids"),
    render,
  };
}

/** Reads the files of a tokenizer. Throws {@link UserError} where there is none, or one that is no JSON. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const path = join(folder, "tokenizer.json");
  if (!hasTokenizer(folder)) {
    const sentencepiece = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model"].find((name) =>
      existsSync(join(folder, name)),
    );
    throw new UserError(
      sentencepiece
        ? `${folder} has ${sentencepiece} but no tokenizer.json. In Python, AutoTokenizer.from_pretrained(${JSON.stringify(folder)}).save_pretrained(${JSON.stringify(folder)}) writes one.`
        : `${folder} has no tokenizer.json. Copy it from where the model came from.`,
    );
  }
  const own = await readJson(path);
  const settings = await readOptional(join(folder, "tokenizer_config.json"));
  const tokens = specialTokens({ ...(await readOptional(join(folder, "special_tokens_map.json"))), ...settings });
  const template = await readTemplate(folder, settings);
  const meaning = meaningOf(own);
  return { path, own, meaning, settings, tokens, template, sha256: sha256Value(meaning) };
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

/** The texts of the special tokens, which are strings or objects. */
function specialTokens(settings: JsonObject): Record<string, string> {
  const textOf = (token: unknown) =>
    typeof token === "string" ? token : ((token as { content?: string } | null | undefined)?.content ?? "");
  return Object.fromEntries(
    ["bos_token", "eos_token", "unk_token", "pad_token"].map((name) => [name, textOf(settings[name])]),
  );
}

export const readOptional = async (path: string): Promise<JsonObject> => (existsSync(path) ? readJson(path) : {});
