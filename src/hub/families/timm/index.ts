// Folders of timm: config.json names an architecture, and the settings that differ from it.
import { UserError } from "../../../core/index.ts";
import type { Config } from "../../config.ts";
import type { Family } from "../family.ts";
import { convnext } from "./convnext.ts";
import { resnet } from "./resnet.ts";
import { vit } from "./vit.ts";

const families = [resnet, vit, convnext];

/** True for the config.json of a timm folder, which names an `architecture` and no `model_type`. */
export const isTimm = (config: Config): boolean => config.has("architecture") && !config.has("model_type");

/** The family of a timm folder. Throws {@link UserError} for an unsupported architecture. */
export function readTimm(config: Config): Family {
  const [architecture] = config.text("architecture").split("."); // resnet50.a1_in1k
  const found = families.find((family) => family.includes(architecture));
  if (!found)
    throw new UserError(
      `${config.path}: the timm architecture ${architecture} is not supported. Give a folder with one of ${families.map(({ title }) => title).join(", ")}.`,
    );
  return { type: architecture, architectures: [architecture], read: (own) => found.read(own, architecture) };
}
