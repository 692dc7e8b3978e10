"""Two small networks with grouped convolutions, GroupNorm, BatchNorm and attention: writes their state dicts, ONNX graphs,
samples, and a JSON file with the barriers that PyTorch measures. Arguments: the output folder, the kind: `plain` (no
BatchNorm, so nothing is folded) or `folded`."""
import json
import sys
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

folder, kind = sys.argv[1:]
warnings.filterwarnings("ignore")
torch.manual_seed(3)


class Attention(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(size, 3 * size), nn.Linear(size, size)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = (u.reshape(n, t, self.heads, c // self.heads).transpose(1, 2) for u in self.qkv(x).chunk(3, -1))
        weights = (q @ k.transpose(-2, -1) / (c // self.heads) ** 0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, t, c))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        norm = nn.BatchNorm2d if kind == "folded" else lambda n: nn.GroupNorm(2, n)
        self.stem, self.gn = nn.Conv2d(3, 16, 3, 2, 1), nn.GroupNorm(4, 16)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1, groups=4, bias=False), norm(16), nn.ReLU()) for _ in range(2))
        self.ln, self.attn, self.head = nn.LayerNorm(16), Attention(16, 4), nn.Linear(16, 10)

    def forward(self, image):
        x = F.relu(self.gn(self.stem(image)))
        for block in self.blocks:
            x = x + block(x)
        y = x.flatten(2).transpose(1, 2)
        return self.head((y + self.attn(self.ln(y))).mean(1))


images, labels = torch.randn(60, 3, 16, 16), torch.randint(0, 10, (60,))
images += labels.view(-1, 1, 1, 1) * 0.1
nets = {}
for end in "ab":
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    for step in range(20):
        batch = torch.randperm(60)[:30]
        optimiser.zero_grad()
        F.cross_entropy(net(images[batch]), labels[batch]).backward()
        optimiser.step()
    nets[end] = net.eval()
    torch.save(net.state_dict(), f"{folder}/{end}.pt")
    torch.onnx.export(net, images[:2], f"{folder}/{end}.onnx", input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}}, opset_version=13)
    torch.onnx.export(net, images[:2], f"{folder}/{end}-kept.onnx", input_names=["image"], output_names=["logits"],
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                      dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}}, opset_version=13)
np.savez(f"{folder}/data.npz", image=images.numpy(), labels=labels.numpy())

states = {end: net.state_dict() for end, net in nets.items()}
layers = list(dict.fromkeys(name.rsplit(".", 1)[0] for name in states["a"]))


def scores(state, fresh=False):
    net = Net()
    net.load_state_dict(state)
    if fresh:
        torch.optim.swa_utils.update_bn([images], net)
    net.eval()
    with torch.no_grad():
        logits = net(images)
    return F.cross_entropy(logits, labels).item(), 100 * (logits.argmax(1) != labels).float().mean().item()


def mixed(averaged, base):
    of = lambda name: name.rsplit(".", 1)[0] in averaged and states["a"][name].is_floating_point()
    return {n: (states["a"][n] + states["b"][n]) / 2 if of(n) else t for n, t in states[base].items()}


ends = {end: scores(state) for end, state in states.items()}
cells = [{"layer": layer, "base": base, "loss": scores(mixed([layer], base))[0], "error": scores(mixed([layer], base))[1]}
         for layer in layers for base in "ab"]
cells.append({"layer": None, "base": None, "loss": scores(mixed(layers, "a"))[0], "error": scores(mixed(layers, "a"))[1]})
fresh = scores(mixed(layers, "a"), fresh=True)
json.dump({"fresh": fresh, "layers": layers, "ends": ends, "cells": cells}, open(f"{folder}/truth.json", "w"))
