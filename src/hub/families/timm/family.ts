// The interface of a family of timm networks: its architectures, and the reader of the config.
import type { Config } from "../../config.ts";
import type { FolderNetwork } from "../../network.ts";

export interface TimmFamily {
  /** The name of the family, for errors. */
  readonly title: string;
  /** Whether an architecture, such as `resnet50d`, belongs to it. */
  includes(architecture: string): boolean;
  /** Throws {@link UserError} for an unsupported setting. */
  read(config: Config, architecture: string): FolderNetwork;
}
