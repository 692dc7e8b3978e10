"""What people write with a state dict of each end, for the pairs of inputs.py: the loop that layerwise is compared with.

usage: loops.py single NETWORK FOLDER SAMPLES THREADS  every layer averaged on its own on base a (a Llama's blocks), loaded, evaluated; prints the losses
       loops.py blocks FOLDER SAMPLES ATTENTION THREADS  two Hugging Face folders (folders.py): every block averaged on base a, loaded, evaluated
       loops.py merge FOLDER OUT THREADS               both state dicts read, averaged, written
"""
import json, os, re, sys
import numpy as np, torch


def single(name, folder, samples, threads):
    torch.set_num_threads(int(threads))
    text = name.startswith("llama")
    if text:
        from safetensors.torch import load_file
        a, b = (load_file(os.path.join(folder, f"{end}.safetensors")) for end in "ab")
    else:
        a, b = (torch.load(os.path.join(folder, f"{end}.pt")) for end in "ab")
    from inputs import images, llama
    net = llama(name)[0] if text else images(name).eval()
    with np.load(os.path.join(folder, "data.npz")) as data:
        x, y = (torch.tensor(data[key][: int(samples)]) for key in ("input_ids" if text else "image", "labels"))
    layers = {}
    for key in a:
        block = re.match(r"model\.layers\.\d+\.", key)
        layer = block.group(0)[:-1] if block else key.rsplit(".", 1)[0]
        layers.setdefault(layer, []).append(key)

    def score(state):
        missing = net.load_state_dict(state, strict=not text).missing_keys  # a tied head is not in the file
        assert all(key == "lm_head.weight" for key in missing), missing
        with torch.inference_mode():
            logits = net(input_ids=x).logits.transpose(1, 2) if text else net(x)
            return torch.nn.functional.cross_entropy(logits, y).item()

    def average(keys):
        return {key: (a[key].float() + b[key].float()) / 2 for key in keys if a[key].is_floating_point()}

    ends = score(a), score(b)
    print(json.dumps(dict(ends=ends, single={layer: score({**a, **average(keys)}) for layer, keys in layers.items()})))


def blocks(folder, samples, attention, threads):
    torch.set_num_threads(int(threads))
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM
    count, context = int(samples), 256
    with open(os.path.join(folder, "text.txt")) as file:
        ids = Tokenizer.from_file(os.path.join(folder, "a/tokenizer.json")).encode(file.read(), add_special_tokens=False).ids
    ids = torch.tensor(ids[: count * context + 1])
    net = AutoModelForCausalLM.from_pretrained(os.path.join(folder, "a"), dtype=torch.float32, attn_implementation=attention).eval()
    a = {key: value.clone() for key, value in net.state_dict().items()}
    b = AutoModelForCausalLM.from_pretrained(os.path.join(folder, "b"), dtype=torch.float32).state_dict()
    groups = {}
    for key in a:
        block = re.match(r".*?\.(h|layers)\.\d+\.", key)
        if block:
            groups.setdefault(block.group(0)[:-1], []).append(key)

    def score(state):
        net.load_state_dict(state)
        total = 0
        with torch.inference_mode():
            for i in range(0, count * context, context):
                logits = net(ids[i : i + context][None]).logits[0]
                total += torch.nn.functional.cross_entropy(logits, ids[i + 1 : i + context + 1]).item()
        return total / count

    ends = score(a), score(b)
    print(json.dumps(dict(ends=ends, single={name: score({**a, **{key: (a[key] + b[key]) / 2 for key in keys}}) for name, keys in groups.items()})))


def merge(folder, out, threads):
    torch.set_num_threads(int(threads))
    a, b = (torch.load(os.path.join(folder, f"{end}.pt")) for end in "ab")
    torch.save({key: (value + b[key]) / 2 if value.is_floating_point() else value for key, value in a.items()}, out)


if __name__ == "__main__":
    dict(single=single, blocks=blocks, merge=merge)[sys.argv[1]](*sys.argv[2:])
