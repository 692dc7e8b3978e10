// State dicts of torchvision's networks: which network one is of, by its names and shapes.
import { convnext } from "./convnext.ts";
import { type Recognised, type Shapes, type TorchvisionFamily, wrappers } from "./family.ts";
import { mobilenetV2 } from "./mobilenet-v2.ts";
import { resnet } from "./resnet.ts";
import { vgg } from "./vgg.ts";
import { vit } from "./vit.ts";

const families: readonly TorchvisionFamily[] = [resnet, vgg, vit, convnext, mobilenetV2];

/** Every name that a network can be asked for by: torchvision's own, and those of the families for other sizes. */
export const torchvisionNames: readonly string[] = [
  ...new Set(families.flatMap(({ name, architectures }) => [...architectures, name])),
];

/** The network that has tensors of such shapes, whatever stands before their names; undefined where it is none of these. */
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
