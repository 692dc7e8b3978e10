// CLIP (transformers/models/clip): images scored against texts (embeddings from the user, or sentences for its text
// tower), or an image classifier on its vision tower.
import { exp, linear, matmul, mul, swapLast, type Value } from "../../../graph/index.ts";
import type { Config } from "../../config.ts";
import type { FolderNetwork, TextHead } from "../../network.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import type { Family } from "../family.ts";
import { readTask } from "../labels.ts";
import { towerConfig } from "./clip-layers.ts";
import { encodeImages, encodeSentences, readText, readVision, unitRows, type VisionTower } from "./clip-towers.ts";
import { meanFrom, pixelsOf, tokenAt } from "./patches.ts";

/** Images as vectors [n, dimension]. */
function embedImages(own: VisionTower, modules: Modules, pixels: Value, dimension: number): Value {
  const tower = modules.within("vision_model");
  const pooled = tower.layerNorm("post_layernorm", tokenAt(encodeImages(own, tower, pixels), 0), own.layers.epsilon);
  return modules.linear("visual_projection", pooled, dimension, { hasBias: false });
}

/** exp(scale) times the cosines of images and texts. */
const similarity = (images: Value, texts: Value, scale: Value): Value =>
  mul(exp(scale), matmul(unitRows(images), swapLast(unitRows(texts))));

function scoreAgainst(images: Value, { texts, scale }: TextHead): Value {
  const { graph } = images;
  return similarity(images, graph.constant(texts), graph.constant(scale));
}

const unscored = { kind: "classes", count: 1 } as const;

/** The vision tower on its own, which gives scores only together with texts. */
function visionNetwork(config: Config, head?: TextHead): FolderNetwork {
  const own = readVision(config);
  const dimension = config.size("projection_dim", 512);
  const network = tracedNetwork({
    input: pixelsOf(own.patches),
    task: head ? { kind: "classes", count: head.texts.shape[0] } : unscored,
    settings: { ...own, dimension },
    prefix: "vision_model.",
    build(modules, { pixel_values }) {
      const images = embedImages(own, modules, pixel_values, dimension);
      return head ? scoreAgainst(images, head) : images;
    },
  });
  if (head) return network;
  return { ...network, completion: { dimension, withHead: (given) => visionNetwork(config, given) } };
}

interface Completed {
  readonly head?: TextHead;
  readonly sentences?: readonly (readonly number[])[];
}

/** Both towers. */
function twoTowers(config: Config, { head, sentences }: Completed = {}): FolderNetwork {
  const [vision, text] = [
    readVision(towerConfig(config, "vision_config")),
    readText(towerConfig(config, "text_config")),
  ];
  const dimension = config.size("projection_dim", 512);
  const count = head?.texts.shape[0] ?? sentences?.length;
  const network = tracedNetwork({
    input: pixelsOf(vision.patches),
    task: count ? { kind: "classes", count } : unscored,
    settings: { vision, text, dimension },
    build(modules, { pixel_values }) {
      const scale = modules.parameter("logit_scale", []);
      const words = encodeSentences(text, modules.within("text_model"), pixel_values.graph, sentences ?? [[0, 0]]);
      const images = embedImages(vision, modules, pixel_values, dimension);
      const texts = linear(words, modules.parameter("text_projection.weight", [dimension, text.layers.width]));
      return head ? scoreAgainst(images, head) : similarity(images, texts, scale);
    },
  });
  if (count) return network;
  return {
    ...network,
    completion: {
      dimension,
      withHead: (given) => twoTowers(config, { head: given }),
      context: text.context,
      vocabulary: text.vocabulary,
      withSentences: (given) => twoTowers(config, { sentences: given }),
    },
  };
}

function classifier(config: Config): FolderNetwork {
  const own = readVision(towerConfig(config, "vision_config"));
  const task = readTask(config);
  return tracedNetwork({
    input: pixelsOf(own.patches),
    task,
    settings: own,
    heads: ["classifier"],
    build: (modules, { pixel_values }) =>
      modules.linear(
        "classifier",
        meanFrom(encodeImages(own, modules.within("vision_model"), pixel_values), 1),
        task.count,
      ),
  });
}

export const clipVision: Family = {
  type: "clip_vision_model",
  architectures: ["CLIPVisionModelWithProjection"],
  read: (config) => visionNetwork(config),
};

export const clip: Family = {
  type: "clip",
  architectures: ["CLIPModel", "CLIPForImageClassification"],
  isChosenByArchitecture: true,
  read: (config, architecture) =>
    architecture === "CLIPForImageClassification" ? classifier(config) : twoTowers(config),
};
