// A folder's chat template, which writes a conversation as one text. It is a Jinja program, run by the library that the
// hub's own JavaScript tools use.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Template } from "@huggingface/jinja";
import { readText, UserError } from "../../core/index.ts";
import type { Message } from "../../data/index.ts";
import type { JsonObject } from "../config.ts";

export interface ChatTemplate {
  /** Throws {@link UserError} if there is no template, or if it fails. */
  render(messages: readonly Message[], addGenerationPrompt: boolean): string;
}

const file = "chat_template.jinja";

/** The template in chat_template.jinja, else in tokenizer_config.json (`settings`); undefined if there is none. */
export async function readTemplate(folder: string, settings: JsonObject): Promise<string | undefined> {
  const path = join(folder, file);
  return existsSync(path) ? readText(path) : defaultOf(settings.chat_template);
}

/** A folder's template, ready to render; `tokens` are the special tokens by name. */
export async function chatTemplate(
  folder: string,
  source: string | undefined,
  tokens: Readonly<Record<string, string>>,
): Promise<ChatTemplate> {
  const { Template: Program } = await import("@huggingface/jinja"); // only texts need it
  let template: Template | undefined;
  return {
    render(messages, add_generation_prompt) {
      if (source === undefined)
        throw new UserError(
          `${folder} has no chat template, which messages need. Give plain texts, or a folder with chat_template.jinja.`,
        );
      try {
        template ??= new Program(source);
        return template.render({ ...tokens, messages, add_generation_prompt });
      } catch (error) {
        const from = [file, "tokenizer_config.json"].map((name) => join(folder, name)).find((path) => existsSync(path));
        throw new UserError(`The chat template in ${from} fails: ${(error as Error).message}. Give other messages.`, {
          cause: error,
        });
      }
    },
  };
}

/** The template, or of several the one named "default". */
function defaultOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  return value.find((one) => one?.name === "default")?.template;
}
