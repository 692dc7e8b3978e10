"""Pairs of Hugging Face folders with the shape of real networks, random weights, a byte tokenizer, and a text.

usage: folders.py SHAPE FOLDER; writes a/ and b/, and text.txt or, for image networks, data.npz
SHAPE: gpt2 (124 M parameters), smollm2-135m, vit-b16, resnet-50 (all float32), llama-7b (bfloat16, 2 x 13.5 GB,
  sharded), tiny

Norms get random values, because initial ones are all equal. End b is three tenths of the way from a to another random
network. The weights of llama-7b are slices of one block of noise, because drawing 7 billion numbers takes longer than
the scan.
"""
import json, os, sys
import numpy as np, torch

SHAPES = {
    "tiny": dict(vocab_size=257, hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2),
    "smollm2-135m": dict(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
                         rope_theta=100000.0, tie_word_embeddings=True, max_position_embeddings=8192, rms_norm_eps=1e-5),
    "llama-7b": dict(vocab_size=32000, hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32, rms_norm_eps=1e-5,
                     max_position_embeddings=4096),
}


def tokenizer(folder):
    """A tokenizer in which each byte is a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    own = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(alphabet)}, merges=[]))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    own.save(os.path.join(folder, "tokenizer.json"))
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as file:
        json.dump(dict(tokenizer_class="PreTrainedTokenizerFast"), file)


def small(shape, at):
    import transformers as t

    def make(seed):
        torch.manual_seed(seed)
        if shape == "gpt2":
            net = t.GPT2LMHeadModel(t.GPT2Config())
        elif shape == "vit-b16":
            net = t.ViTForImageClassification(t.ViTConfig(num_labels=1000))
        elif shape == "resnet-50":
            net = t.ResNetForImageClassification(t.ResNetConfig(num_labels=1000))
        else:
            net = t.LlamaForCausalLM(t.LlamaConfig(**SHAPES[shape]))
        for parameter in net.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn(parameter.shape))
        return net

    a, b = make(0), make(1)
    for p, q in zip(a.parameters(), b.parameters()):
        q.copy_(torch.lerp(p, q, 0.3))
    a.save_pretrained(at("a"))
    b.save_pretrained(at("b"))


def large(shape, at):
    from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(**SHAPES[shape], dtype="bfloat16", architectures=["LlamaForCausalLM"])
    with torch.device("meta"):
        shapes = {key: list(value.shape) for key, value in LlamaForCausalLM(config).state_dict().items()}
    noise = torch.randn((1 << 26) + (1 << 20), generator=torch.Generator().manual_seed(0)).mul_(0.02)
    ends = dict(a=noise, b=torch.lerp(noise, noise.roll(12345), 0.3))
    shards = {}
    for key in shapes:
        shards.setdefault(key.split(".")[2] if ".layers." in key else "rest", []).append(key)
    for end, values in ends.items():
        flat = values.to(torch.bfloat16).view(torch.int16).numpy()
        os.makedirs(at(end), exist_ok=True)
        config.save_pretrained(at(end))
        index = {}
        for i, keys in enumerate(shards.values()):
            name = f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
            offset, header = 0, {"__metadata__": {"format": "pt"}}
            for key in keys:
                index[key] = name
                header[key] = dict(dtype="BF16", shape=shapes[key], data_offsets=[offset, offset := offset + 2 * int(np.prod(shapes[key]))])
            text = json.dumps(header).encode()
            text += b" " * (-len(text) % 8)
            with open(os.path.join(at(end), name), "wb") as file:
                file.write(len(text).to_bytes(8, "little") + text)
                for key in keys:
                    count = int(np.prod(shapes[key]))
                    start = list(shapes).index(key) * 3571 % (1 << 20)
                    if len(shapes[key]) == 1:
                        file.write((1 + values[start : start + count]).to(torch.bfloat16).view(torch.int16).numpy().tobytes())
                        continue
                    while count:
                        part = min(count, 1 << 26)
                        file.write(memoryview(flat[start : start + part]))
                        count -= part
        with open(os.path.join(at(end), "model.safetensors.index.json"), "w") as file:
            json.dump(dict(metadata=dict(total_size=2 * sum(int(np.prod(s)) for s in shapes.values())), weight_map=index), file)


if __name__ == "__main__":
    shape, folder = sys.argv[1:3]
    at = lambda file: os.path.join(folder, file)
    with torch.no_grad():
        (large if shape == "llama-7b" else small)(shape, at)
    if shape in ("vit-b16", "resnet-50"):
        random = np.random.RandomState(0)
        np.savez(at("data.npz"), pixel_values=random.randn(16, 3, 224, 224).astype("float32"), labels=random.randint(0, 1000, 16))
        sys.exit()
    for end in "ab":
        tokenizer(at(end))
    with open(at("text.txt"), "w") as file:
        letters = np.random.RandomState(0).choice(list("abcdefgh ijklmnop"), 1 << 16)
        file.write("".join(letters))
