// What a family of timm's networks is: the architectures that it knows, and how the config becomes a network.
import type { Config } from "../../config.ts";
import type { FolderNetwork } from "../../network.ts";

export interface TimmFamily {
  /** Its names, for errors. */
  readonly title: string;
  /** Whether it has an architecture, `resnet50d`. */
  knows(architecture: string): boolean;
  /** Throws {@link UserError} for a setting that is not handled. */
  read(config: Config, architecture: string): FolderNetwork;
}
