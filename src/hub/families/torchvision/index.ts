// Recognises state dicts of torchvision's networks by their names and shapes.
import { convnext } from "./convnext.ts";
import { type Recognised, type Shapes, type TorchvisionFamily, wrappers } from "./family.ts";
import { mobilenetV2 } from "./mobilenet-v2.ts";
import { resnet } from "./resnet.ts";
import { vgg } from "./vgg.ts";
import { vit } from "./vit.ts";

const families: readonly TorchvisionFamily[] = [resnet, vgg, vit, convnext, mobilenetV2];

/** Every name that can be requested: torchvision's names, and those of the families for other sizes. */
export const torchvisionNames: readonly string[] = [
  ...new Set(families.flatMap(({ name, architectures }) => [...architectures, name])),
];

/** The network with tensors of such shapes, with or without a common prefix; undefined if none is recognised. */
export function recognise(stored: Shapes): (Recognised & { readonly family: string }) | undefined {
  const shapes = new Map(
    [...stored].map(([name, shape]) => [wrappers.reduce((text, [by, to]) => text.replace(by, to), name), shape]),
  );
  for (const family of families) {
    const found = family.recognise(shapes);
    if (found) return { ...found, family: family.name };
  }
  return undefined;
}
