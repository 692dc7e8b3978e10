"""Loads merged checkpoints as a PyTorch user does, and prints the largest difference between their logits and the logits of
the average made in PyTorch. Arguments: the folder of reference scripts, the two ends, the averaged layers (separated by
commas), merged files of any format."""
import json
import struct
import sys

import numpy as np
import torch

reference, first, second, layers, *files = sys.argv[1:]
sys.path.insert(0, reference)
from nets import resnet18_nonorm  # noqa: E402

types = {"F32": np.float32, "I64": np.int64}


def load(path):
    if path.endswith(".pt"):
        return torch.load(path, weights_only=True)
    if path.endswith(".npz"):
        return {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    raw = open(path, "rb").read()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    part = lambda e: raw[8 + length + e["data_offsets"][0] : 8 + length + e["data_offsets"][1]]
    return {
        n: torch.from_numpy(np.frombuffer(part(e), types[e["dtype"]]).reshape(e["shape"]).copy())
        for n, e in header.items() if n != "__metadata__"
    }


a, b = torch.load(first), torch.load(second)
chosen = set(layers.split(","))
wanted = {n: (t + b[n]) / 2 if n.rsplit(".", 1)[0] in chosen and t.is_floating_point() else t for n, t in a.items()}
images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def logits(state):
    net = resnet18_nonorm(state["conv1.weight"].shape[0], norm=torch.nn.BatchNorm2d)
    net.load_state_dict(state)
    with torch.no_grad():
        return net.eval()(images)


truth = logits(wanted)
print(json.dumps([(logits(load(f)) - truth).abs().max().item() / truth.abs().max().item() for f in files]))
