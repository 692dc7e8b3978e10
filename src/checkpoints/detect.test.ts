import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { refusal, temporaryFolder, writeTensors, zipOf } from "../../test/checkpoints.ts";
import { tensor } from "../core/index.ts";
import { openCheckpoint } from "./index.ts";

const folder = temporaryFolder();
const path = join(folder, "x.pt");

it("goes by content, not by name", async () => {
  for (const format of ["safetensors", "torch", "npz"] as const) {
    await writeTensors(join(folder, "y"), format, new Map([["w", tensor("float32", [1], [5])]]));
    copyFileSync(join(folder, "y"), path);
    const checkpoint = await openCheckpoint(path);
    expect(checkpoint.format).toBe(format);
    await checkpoint.close();
  }
});

it.each([
  ["", "x.pt is empty. Copy the file again."],
  ["version https://git-lfs.github.com/spec/v1\n", "x.pt is a Git LFS pointer, not the file itself. Run git lfs pull."],
  ["<!DOCTYPE html>", "x.pt is a web page, not a checkpoint. Download the file itself."],
  ["\x93NUMPY\x01\x00", "x.pt is a single .npy array. Save named arrays with numpy.savez."],
  ["\x89HDF\r\n", "x.pt is an HDF5 file. Save the weights as .npz or .safetensors."],
  [
    `./model_weights.ckpt${"\0".repeat(237)}ustar${"\0".repeat(250)}`,
    "x.pt is a tar archive. Unpack it, and give the checkpoint in it (for NeMo: model_weights.ckpt).",
  ],
  [
    `sys_info${"\0".repeat(249)}ustar${"\0".repeat(250)}`,
    "x.pt was written by PyTorch before version 0.2, as a tar archive. In Python, load it with torch.load(path, weights_only=False), and save the state dict with torch.save.",
  ],
  ["\x1f\x8b\x08", "x.pt is compressed with gzip. Decompress it first."],
  [
    "\x78\x5e\xed\x9d",
    "x.pt is compressed with zlib, as joblib.dump does. In Python, load it with joblib.load, then save its arrays by name with numpy.savez.",
  ],
  [
    "\x80\x04N.",
    "x.pt is a pickle that was not written by torch.save. In Python, save model.state_dict() with torch.save.",
  ],
  [
    "\x81\xa6params\x81\xa5Dense",
    "x.pt is a msgpack file, as flax saves weights. In Python, restore it with flax.serialization.msgpack_restore, then save it with safetensors.flax.save_file or numpy.savez.",
  ],
  [
    "\xde\x00\x10\xd9\x01",
    'x.pt is not in a format that layerwise reads: it starts with "Þ\\u0000\\u0010Ù\\u0001". Give a .safetensors, .pt, .npz or .onnx file.',
  ],
  ["\x14\0\0\0ORTM", "x.pt is in ONNX Runtime's own format. Give the .onnx file it was made from."],
  ["\x1c\0\0\0TFL3", "x.pt is a TensorFlow Lite model. Give the checkpoint it was made from, as .npz or .onnx."],
  [
    `\0\0\x06\x08${"\0".repeat(60)}\x57\xfb\x80\x8b\x24\x75\x47\xdb`,
    "x.pt is part of a TensorFlow checkpoint. In Python, read it with tf.train.load_checkpoint, then save the arrays with numpy.savez.",
  ],
  [
    '{"architectures": ["X"]}',
    "x.pt is JSON without a weight_map, not a checkpoint. Give a checkpoint, or its *.safetensors.index.json.",
  ],
  [
    "nonsense!",
    'x.pt is not in a format that layerwise reads: it starts with "nonsense". Give a .safetensors, .pt, .npz or .onnx file.',
  ],
])("says what to do with %j", async (content, sentence) => {
  expect(await refusal(path, Buffer.from(content, "latin1"))).toBe(sentence);
});

it("refuses an archive of something else", async () => {
  expect(await refusal(path, await zipOf({ "letter.txt": "hello" }))).toBe(
    "x.pt is a zip archive without data.pkl or .npy arrays. Give a .pt or .npz file.",
  );
  // Stable-Baselines3
  const members = { "policy.optimizer.pth": "much longer", "pytorch_variables.pth": "x", "policy.pth": "weights" };
  const fault = "x.pt is a zip archive of other files. Unpack it, and give the checkpoint in it:";
  expect(await refusal(path, await zipOf({ data: "{}", ...members }))).toBe(`${fault} such as "policy.pth".`);
  expect(await refusal(path, await zipOf({ "run/best.ckpt": "weights" }))).toBe(`${fault} "run/best.ckpt".`);
});

it.each<[string, Record<string, string>, string]>([
  [
    "a Keras archive",
    { "config.json": "{}", "metadata.json": "{}", "model.weights.h5": "x" },
    "keras.models.load_model",
  ],
  [
    "an exported program (torch.export)",
    { "model/archive_format": "pt2", "model/data/weights/w.pt": "x" },
    "torch.export.load",
  ],
  ["an exported program (torch.export)", { "serialized_exported_program.json": "{}" }, "torch.export.load"],
  ["a TorchServe archive", { "MAR-INF/MANIFEST.json": "{}" }, "Unpack it"],
])("names %s", async (what, members, advice) => {
  const sentence = await refusal(path, await zipOf(members));
  expect(sentence).toContain(`x.pt is ${what}. `);
  expect(sentence).toContain(advice);
});

it("names files of other formats by their names, where they have no mark", async () => {
  for (const name of ["m.ckpt.data-00000-of-00001", "variables.data-00001-of-00002", "m.ckpt.meta"])
    expect(await refusal(join(folder, name), Buffer.alloc(80))).toMatch(`${name} is part of a TensorFlow checkpoint.`);
  expect(await refusal(join(folder, "saved_model.pb"), Buffer.alloc(80))).toContain("is a TensorFlow SavedModel");
  expect(await refusal(join(folder, "__0_0.distcp"), Buffer.alloc(80))).toMatch(
    "__0_0.distcp is one shard of a distributed checkpoint (DCP). In Python, run torch.distributed.checkpoint.format_utils.dcp_to_torch_save(",
  );
});

describe("a folder", () => {
  const w = new Map([["w", tensor("float32", [1], [5])]]);
  const fill = async (name: string, files: readonly string[]) => {
    const where = join(folder, name);
    mkdirSync(where);
    for (const file of files)
      if (/\.(json|txt|metadata|pb)$|^\.|_METADATA|ckpt\.|distcp/.test(file)) writeFileSync(join(where, file), "{}");
      else await writeTensors(join(where, file), file.endsWith(".safetensors") ? "safetensors" : "torch", w);
    return where;
  };

  it.each([
    ["hugging-face", ["config.json", "model.safetensors", "pytorch_model.bin"], "model.safetensors"],
    ["older", ["config.json", "pytorch_model.bin", "optimizer.pt"], "pytorch_model.bin"],
    ["adapter", ["adapter_config.json", "adapter_model.safetensors"], "adapter_model.safetensors"],
    ["one", ["notes.txt", "epoch_3.ckpt"], "epoch_3.ckpt"],
    [
      "trainer",
      ["optimizer.pt", "optimized.pt", "rng_state_0.pth", "scaler.pt", "scheduler.pt", "training_args.bin"],
      "optimized.pt",
    ],
    [
      "accelerated",
      ["random_states_0.pkl", "scheduler_1.bin", "optimizer_1.bin", "unet.safetensors"],
      "unet.safetensors",
    ],
    ["zero", ["mp_rank_00_model_states.pt", "zero_pp_rank_0_mp_rank_00_optim_states.pt"], "mp_rank_00_model_states.pt"],
  ])("%s opens as the checkpoint in it", async (name, files, expected) => {
    const checkpoint = await openCheckpoint(await fill(name, files));
    await checkpoint.close();
    expect(checkpoint.path).toBe(join(folder, name, expected));
  });

  it("opens as the index of its shards, whatever its name", async () => {
    const shard = "diffusion_pytorch_model-00001-of-00002.safetensors";
    const where = await fill("parts", [shard, shard.replace("00001", "00002")]);
    const index = join(where, "diffusion_pytorch_model.safetensors.index.json");
    writeFileSync(index, JSON.stringify({ weight_map: { w: shard } }));
    const checkpoint = await openCheckpoint(where);
    await checkpoint.close();
    expect([checkpoint.path, checkpoint.notes]).toEqual([index, undefined]);
    const alone = await openCheckpoint(join(where, shard));
    await alone.close();
    expect(alone.notes).toEqual([
      `${join(where, shard)} is one of 2 shards, and the others are not read. For all, give their folder or index.`,
    ]);
  });

  it("is refused with what to do if it is an unpacked file of torch.save", async () => {
    const where = join(folder, "unpacked/archive");
    mkdirSync(join(where, "data"), { recursive: true });
    // a tensor of the storage "0"
    const storage = "(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ";
    const pickle = `\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(${storage}K\0(K\x01t(K\x01t\x89}tRs.`;
    writeFileSync(join(where, "data.pkl"), Buffer.from(pickle, "latin1"));
    for (const path of [where, join(folder, "unpacked"), join(where, "data.pkl")])
      await expect(openCheckpoint(path)).rejects.toThrow(
        `${where} is the unpacked content of a file that torch.save wrote. Zip it again (cd ${join(folder, "unpacked")}; zip -0 -r weights.pt archive), and give weights.pt.`,
      );
  });

  it("opens as the single file beside shards with a note", async () => {
    const checkpoint = await openCheckpoint(await fill("both", ["model.safetensors", "model.safetensors.index.json"]));
    await checkpoint.close();
    expect(checkpoint.notes?.[0]).toContain("model.safetensors has the index of shards beside it");
  });

  it("opens as one part of every matrix with a note", async () => {
    const alone = await openCheckpoint(
      join(
        await fill(
          "halves",
          [0, 1].map((n) => `consolidated.0${n}.pth`),
        ),
        "consolidated.00.pth",
      ),
    );
    await alone.close();
    expect(alone.notes?.[0]).toContain("has a part of every matrix");
  });

  it("lists files of text last", async () => {
    const where = await fill("speech", [
      "model.ckpt",
      "normalizer.ckpt",
      "noam_scheduler.ckpt",
      "dataloader-TRAIN.ckpt",
    ]);
    writeFileSync(join(where, "brain.ckpt"), "avg_train_loss: 0.1\nstep: 9\n");
    writeFileSync(join(where, "counter.ckpt"), "7");
    expect(await refusal(where)).toBe(
      "speech is a folder with several checkpoints. Give one of them: model.ckpt, normalizer.ckpt, brain.ckpt, counter.ckpt.",
    );
  });

  it("opens as the index in it", async () => {
    const where = await fill("sharded", ["model-00001-of-00001.safetensors"]);
    writeFileSync(
      join(where, "model.safetensors.index.json"),
      JSON.stringify({ weight_map: { w: "model-00001-of-00001.safetensors" } }),
    );
    const checkpoint = await openCheckpoint(where);
    await checkpoint.close();
    expect([checkpoint.path, checkpoint.files.length]).toEqual([join(where, "model.safetensors.index.json"), 2]);
    writeFileSync(join(where, "config.json"), "{}");
    expect(await refusal(join(where, "config.json"))).toBe(
      "config.json is JSON without a weight_map, not a checkpoint. Give model.safetensors.index.json.",
    );
  });

  it.each([
    ["several", ["a.pt", "b.pt"], "several is a folder with several checkpoints. Give one of them: a.pt, b.pt."],
    [
      "accelerate",
      ["pytorch_model.bin", "pytorch_model_1.bin", "optimizer.bin", "optimizer_1.bin"],
      "accelerate is a folder with several checkpoints. Give one of them: pytorch_model.bin, pytorch_model_1.bin.",
    ],
    ["two", ["model.safetensors", "model_1.safetensors"], "Give one of them: model.safetensors, model_1.safetensors."],
    [
      "torchtune",
      ["adapter_0.pt", "hf_model_0001_0.pt", "hf_model_0002_0.pt", "recipe_state.pt"],
      "torchtune contains shards (hf_model_0001_0.pt, hf_model_0002_0.pt) without an index. In Python, load all of them into one dictionary, and save it as model.safetensors with safetensors.torch.save_file.",
    ],
    [
      "meta",
      ["consolidated.00.pth", "consolidated.01.pth"],
      "meta contains consolidated.00.pth, consolidated.01.pth, each with a part of every matrix (model parallelism). Convert",
    ],
    ["dcp", [".metadata", "__0_0.distcp"], "dcp is a distributed checkpoint (DCP). In Python, run"],
    ["orbax", ["_CHECKPOINT_METADATA"], "orbax is an Orbax checkpoint."],
    ["saved", ["saved_model.pb"], "saved is a TensorFlow SavedModel. Convert it with tf2onnx"],
    ["tensorflow", ["m.ckpt.index", "m.ckpt.data-00000-of-00001"], "tensorflow contains a TensorFlow checkpoint."],
  ])("%s is refused if it is ambiguous", async (name, files, sentence) => {
    expect(await refusal(await fill(name, files))).toMatch(sentence);
  });
});

describe("a folder with folders", () => {
  /** Files by their paths in it; states of training are full, others only have their names. */
  const fill = (name: string, files: readonly string[]) => {
    for (const file of files) {
      const at = join(folder, name, file);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, "{}");
    }
    return join(folder, name);
  };
  const fsdp = ["optimizer_0/__0_0.distcp", "pytorch_model_fsdp_0/__0_0.distcp"];
  const states = ["rng_state_0.pth", "rng_state_1.pth", "scheduler.pt", "training_args.bin"];

  it.each([
    ["fsdp", [...fsdp, ...states], "fsdp/pytorch_model_fsdp_0 is a distributed checkpoint (DCP). In Python, run"],
    ["fsdp-one", [...fsdp, "scheduler.pt"], "fsdp-one/pytorch_model_fsdp_0 is a distributed checkpoint (DCP)."],
    ["fsdp-none", fsdp, "fsdp-none/pytorch_model_fsdp_0 is a distributed checkpoint (DCP)."],
    ["optimiser", ["optimizer_0/__0_0.distcp"], "optimiser/optimizer_0 is a distributed checkpoint (DCP)."],
    [
      "run",
      ["checkpoint-10/model_0/.metadata", "checkpoint-10/scheduler.pt"],
      "run/checkpoint-10/model_0 is a distributed checkpoint (DCP).",
    ],
    ["manager", ["0/_CHECKPOINT_METADATA", "0/default/manifest.ocdbt"], "manager/0 is an Orbax checkpoint."],
    ["items", ["0/default/_METADATA"], "items/0/default is an Orbax checkpoint."],
    ["exported", ["1/saved_model.pb"], "exported/1 is a TensorFlow SavedModel."],
    [
      "states",
      states,
      "states is a folder without a checkpoint; it contains only training state (rng_state_0.pth, rng_state_1.pth, scheduler.pt and 1 more). Give the path of a checkpoint file, or of a Hugging Face folder.",
    ],
    [
      "epochs",
      ["epoch_0/hf_model_0001_0.pt", "epoch_0/config.json", "recipe_state/recipe_state.pt"],
      "epochs is a folder without a checkpoint. Its subfolder contains one. Give epochs/epoch_0.",
    ],
    [
      "beside",
      [...fsdp, "unet/x.bin"],
      "beside is a folder without a checkpoint. Its subfolder contains one. Give beside/unet.",
    ],
  ])("%s is described by its content", async (name, files, sentence) => {
    expect(await refusal(fill(name, files))).toMatch(sentence);
  });

  it("opens as the checkpoint next to shards, such as the one made from them", async () => {
    const where = fill("gathered", [...fsdp, ...states]);
    await writeTensors(join(where, "weights.pt"), "torch", new Map([["w", tensor("float32", [1], [5])]]));
    const checkpoint = await openCheckpoint(where);
    await checkpoint.close();
    expect(checkpoint.path).toBe(join(where, "weights.pt"));
  });
});

it.each(["0cdb3a2a", "0cdb20de", "0cdb1234"])("recognises a file of Orbax by its first bytes, %s", async (mark) => {
  const bytes = Buffer.concat([Buffer.from(mark, "hex"), Buffer.alloc(80, 0xfe)]);
  expect(await refusal(join(folder, "manifest.ocdbt"), bytes)).toMatch(
    "manifest.ocdbt is part of an Orbax checkpoint. In Python, restore it with orbax.checkpoint",
  );
});

it("names the folders in a folder that have checkpoints", async () => {
  const pipeline = join(folder, "pipeline");
  for (const [part, name] of [
    ["vae", "w.bin"],
    ["scheduler", "scheduler_config.json"],
    ["unet", "diffusion_pytorch_model.safetensors"],
  ]) {
    mkdirSync(join(pipeline, part), { recursive: true });
    writeFileSync(join(pipeline, part, name), "");
  }
  expect(await refusal(pipeline)).toBe(
    `pipeline is a folder without a checkpoint. Its subfolders contain checkpoints. Give one of them: pipeline/unet, pipeline/vae.`,
  );
  rmSync(join(pipeline, "vae"), { recursive: true });
  expect(await refusal(pipeline)).toMatch(`Its subfolder contains one. Give pipeline/unet.`);
});

it("refuses what is not a readable file", async () => {
  mkdirSync(join(folder, "folder"));
  writeFileSync(join(folder, "file"), "");
  const missing = join(folder, "missing");
  await expect(openCheckpoint(missing)).rejects.toThrow(
    `Cannot read ${missing}: there is no such file. Check the path.`,
  );
  expect(await refusal(join(folder, "folder"))).toBe(
    "folder is a folder without a checkpoint. Give the path of a checkpoint file, or of a Hugging Face folder.",
  );
  expect(await refusal("/dev/zero")).toMatch("zero is not a regular file");
  expect(await refusal(join(folder, "file/below"))).toMatch("a part of the path is a file");
  expect(await refusal(join(folder, "x".repeat(300)))).toMatch("Cannot read");
  expect(await refusal(`${path}\0`)).toMatch("Cannot read");
});
