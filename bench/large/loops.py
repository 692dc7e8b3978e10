"""The usual loop over two state dicts, which layerwise is compared with; for the pairs of inputs.py and folders.py.

usage: loops.py single NETWORK FOLDER SAMPLES THREADS
         averages every layer on its own on base a (a Llama's blocks), loads and evaluates it; prints the losses
       loops.py blocks FOLDER SAMPLES ATTENTION THREADS
         two Hugging Face folders: averages every block on base a, loads and evaluates it; for image classifiers also the
         modules outside of blocks
       loops.py merge FOLDER OUT THREADS
         reads both state dicts, averages and writes them
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
    count = int(samples)
    of_images = os.path.exists(os.path.join(folder, "data.npz"))
    load, score = (pictures if of_images else words)(folder, count, attention)
    net = load("a")
    names = names_in_files(net)
    a = {key: value.clone() for key, value in net.state_dict().items()}
    b = load("b").state_dict()
    groups = {}
    for key in a:
        block = re.match(r".*?\.\d+(?=\.)", names[key])
        if block or of_images:
            groups.setdefault(block.group(0) if block else names[key].rsplit(".", 1)[0], []).append(key)

    def evaluate(state):
        net.load_state_dict(state)
        with torch.inference_mode():
            return score(net)

    average = lambda keys: {key: (a[key] + b[key]) / 2 for key in keys if a[key].is_floating_point()}
    ends = evaluate(a), evaluate(b)
    print(json.dumps(dict(ends=ends, single={name: evaluate({**a, **average(keys)}) for name, keys in groups.items()})))


def words(folder, count, attention):
    """Blocks of a language model; windows of 256 tokens, one at a time."""
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM
    context = 256
    with open(os.path.join(folder, "text.txt")) as file:
        ids = Tokenizer.from_file(os.path.join(folder, "a/tokenizer.json")).encode(file.read(), add_special_tokens=False).ids
    ids = torch.tensor(ids[: count * context + 1])

    def score(net):
        total = 0
        for i in range(0, count * context, context):
            logits = net(ids[i : i + context][None]).logits[0]
            total += torch.nn.functional.cross_entropy(logits, ids[i + 1 : i + context + 1]).item()
        return total / count

    return lambda end: AutoModelForCausalLM.from_pretrained(os.path.join(folder, end), dtype=torch.float32, attn_implementation=attention).eval(), score


def pictures(folder, count, attention):
    """Blocks of an image classifier and the modules outside of blocks; all images in one batch."""
    from transformers import AutoModelForImageClassification
    with np.load(os.path.join(folder, "data.npz")) as data:
        x, y = (torch.tensor(data[key][:count]) for key in ("pixel_values", "labels"))
    return (
        lambda end: AutoModelForImageClassification.from_pretrained(os.path.join(folder, end), attn_implementation=attention).eval(),
        lambda net: torch.nn.functional.cross_entropy(net(x).logits, y).item(),
    )


def names_in_files(net):
    """transformers 5 renames some tensors when it reads a file; blocks use the names in the file."""
    from transformers.core_model_loading import revert_weight_conversion
    return {key: next(iter(revert_weight_conversion(net, {key: value}))) for key, value in net.state_dict().items()}


def merge(folder, out, threads):
    torch.set_num_threads(int(threads))
    a, b = (torch.load(os.path.join(folder, f"{end}.pt")) for end in "ab")
    torch.save({key: (value + b[key]) / 2 if value.is_floating_point() else value for key, value in a.items()}, out)


if __name__ == "__main__":
    dict(single=single, blocks=blocks, merge=merge)[sys.argv[1]](*sys.argv[2:])
