// Describes a folder's network in a few words from its config, for messages and the check before a merge.
import type { Config, Json } from "../config.ts";
import { oldKinds, rotaryParameters } from "../decoder/rotary.ts";
import type { ModelFolder } from "../folder.ts";

/** The family, and the class that the folder was saved from: `llama (LlamaForCausalLM)`. */
export function describeArchitecture({ config, family }: ModelFolder): string {
  const { architectures } = config.keys;
  const [own] = Array.isArray(architectures) ? architectures : [];
  return typeof own === "string" ? `${family.type} (${own})` : family.type;
}

/** The settings of the rotary embedding in the config: its kind, its base, then the others. */
export function ropeSettings({ config, network }: ModelFolder): string[] {
  if (!network.isRotated) return ["none"];
  const given = rotaryParameters(config);
  const kinds = Object.keys(given?.keys ?? {}).filter((key) => key.endsWith("_attention")); // sliding or full
  const settings = kinds.flatMap((kind) =>
    settingsOf(config, given!.part(kind)).map((one) => `${kind.replace("_attention", "")} ${one}`),
  );
  const local = config.has("rope_local_base_freq") ? [`sliding theta ${config.keys.rope_local_base_freq}`] : [];
  return [...(kinds.length ? settings : settingsOf(config, given)), ...local];
}

function settingsOf(config: Config, parameters: Config | undefined): string[] {
  const { rope_type, type = "default", rope_theta = config.keys.rope_theta, ...rest } = parameters?.keys ?? {};
  const kind = String(rope_type ?? type);
  const theta = rope_theta ?? config.keys.rotary_emb_base ?? null;
  const partial = rest.partial_rotary_factor ?? config.keys.partial_rotary_factor ?? config.keys.rotary_pct ?? null;
  const others = Object.entries({ ...rest, partial_rotary_factor: partial }).sort(([x], [y]) => (x < y ? -1 : 1));
  return [
    oldKinds[kind] ?? kind,
    ...[["theta", theta] as const, ...others].flatMap(([key, value]) =>
      value === null ? [] : [`${key} ${textOf(value)}`],
    ),
  ];
}

const textOf = (value: Json): string =>
  Array.isArray(value) ? `of ${value.length} entries` : typeof value === "object" ? JSON.stringify(value) : `${value}`;
