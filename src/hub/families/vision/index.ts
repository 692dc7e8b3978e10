// Families of image classifiers in transformers' layout.
import type { Family } from "../family.ts";
import { clip, clipVision } from "./clip.ts";
import { convnext } from "./convnext.ts";
import { dinov2 } from "./dinov2.ts";
import { resnet } from "./resnet.ts";
import { deit, vit } from "./vit.ts";

export const visionFamilies: readonly Family[] = [vit, deit, dinov2, clip, clipVision, resnet, convnext];
