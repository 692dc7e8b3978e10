// The tokenizer of a folder: tokenizer.json, with the special tokens and the chat template beside it. Source: the `tokenizers` library's format; its
// JavaScript counterpart does the work.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { Tokenizer as Encoder } from "@huggingface/tokenizers";
import { sha256, UserError } from "../core/index.ts";
import type { Message } from "../data/index.ts";
import type { JsonObject } from "./config.ts";
import { readJson } from "./json.ts";

export interface Tokenizer {
  readonly path: string;
  /** Equal for tokenizers that turn every text into the same ids. */
  readonly sha256: string;
  /** Ids, with the special tokens that the post-processor adds, or without them. */
  encode(text: string, addSpecialTokens: boolean): readonly number[];
  /** The id that ends a text; undefined where the folder names none. */
  readonly end: number | undefined;
  /** The text of a conversation by the folder's chat template. Throws {@link UserError} where there is none. */
  render(messages: readonly Message[], addGenerationPrompt: boolean): string;
}

/** Reads the tokenizer of a folder. Throws {@link UserError} where there is none, or one that cannot be read. */
export async function readTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, "tokenizer.json");
  if (!existsSync(path)) {
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
  const special = (name: string) => {
    const token = settings[name];
    return typeof token === "string" ? token : (token as { content?: string } | null | undefined)?.content;
  };
  let encoder: Encoder;
  try {
    encoder = new Encoder(own, settings);
  } catch (error) {
    throw new UserError(`${path} cannot be read as a tokenizer: ${(error as Error).message}. Copy the file again.`, {
      cause: error,
    });
  }
  const end = special("eos_token");
  const { truncation, padding, ...meaning } = own; // how batches are made, not how texts are read
  return {
    path,
    sha256: sha256(Buffer.from(JSON.stringify(meaning))),
    encode: (text, add_special_tokens) => encoder.encode(text, { add_special_tokens }).ids,
    end: end === undefined ? undefined : encoder.token_to_id(end),
    render: await readTemplate(folder, settings, special),
  };
}

async function readTemplate(
  folder: string,
  settings: JsonObject,
  special: (name: string) => string | undefined,
): Promise<Tokenizer["render"]> {
  const path = join(folder, "chat_template.jinja");
  const source = existsSync(path) ? await readFile(path, "utf8") : defaultTemplate(settings.chat_template);
  const from = existsSync(path) ? path : join(folder, "tokenizer_config.json");
  let template: Template | undefined;
  return (messages, addGenerationPrompt) => {
    if (source === undefined)
      throw new UserError(
        `${folder} has no chat template, which messages need. Give the texts themselves, or a folder with chat_template.jinja.`,
      );
    try {
      template ??= new Template(source);
      const tokens = Object.fromEntries(
        ["bos_token", "eos_token", "unk_token", "pad_token"].map((k) => [k, special(k) ?? ""]),
      );
      return template.render({ ...tokens, messages, add_generation_prompt: addGenerationPrompt });
    } catch (error) {
      throw new UserError(`The chat template of ${from} fails: ${(error as Error).message}. Give other messages.`, {
        cause: error,
      });
    }
  };
}

/** A template, or the one called "default" of several. */
function defaultTemplate(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  return value.find((one) => one?.name === "default")?.template;
}

const readOptional = async (path: string): Promise<JsonObject> => (existsSync(path) ? readJson(path) : {});
