"""The same work in PyTorch, for comparison: prints one JSON line {"times": [milliseconds, ...]}.

usage: pytorch.py step WIDTH SIZE THREADS RUNS    training steps of ResNet18 without normalisation, batch 64, SGD with momentum
       pytorch.py scan WIDTH SIZE THREADS SAMPLES  one time: every cell of the default scans of a pair, evaluated one after the other
"""
import copy, json, sys, time
import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, inner, outer, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.downsample = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False)) if stride > 1 else None

    def forward(self, x):
        y = self.conv2(F.relu(self.conv1(x), inplace=True))
        return F.relu(y + (self.downsample(x) if self.downsample else x), inplace=True)


class ResNet18(nn.Module):
    def __init__(self, width, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        stages, inner = [], width
        for stage in range(4):
            outer = width * 2 ** stage
            stages.append(nn.Sequential(Block(inner, outer, 2 if stage else 1), Block(outer, outer, 1)))
            inner = outer
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.fc = nn.Linear(inner, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(F.relu(self.conv1(x), inplace=True)))))
        return self.fc(x.mean((2, 3)))


def cells(names):
    """Every cell of the scans single, shallow, deep, random, minimal, full on both bases, and the two ends."""
    minimal = names[:5] + names[-5:] + names[5:-5]
    shuffled = [names[i] for i in torch.randperm(len(names), generator=torch.Generator().manual_seed(111))]
    chosen = [[name] for name in names]
    for order in (names, names[::-1], shuffled, minimal):
        chosen += [order[: i + 1] for i in range(len(order))]
    return [(c, base) for base in (0, 1) for c in chosen] + [(names, 0), ([], 0), ([], 1)]


def step(width, size, runs):
    net = ResNet18(width)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    x, y = torch.randn(64, 3, size, size), torch.randint(10, (64,))
    for _ in range(runs + 3):
        start = time.perf_counter()
        loss = F.cross_entropy(net(x), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        loss.item()
        yield time.perf_counter() - start


def scan(width, size, samples, batch=100):
    net, states = ResNet18(width).eval(), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(copy.deepcopy(ResNet18(width).state_dict()))
    names = list(dict.fromkeys(key.rsplit(".", 1)[0] for key in states[0]))
    x, y = torch.randn(samples, 3, size, size), torch.randint(10, (samples,))
    start = time.perf_counter()
    with torch.no_grad():
        for chosen, base in cells(names):
            state = dict(states[base])
            for name in chosen:
                for key in state:
                    if key.rsplit(".", 1)[0] == name:
                        state[key] = 0.5 * states[0][key] + 0.5 * states[1][key]
            net.load_state_dict(state)
            for i in range(0, samples, batch):
                out = net(x[i:i + batch])
                F.cross_entropy(out.double(), y[i:i + batch], reduction="sum").item()
                (out.argmax(1) != y[i:i + batch]).sum().item()
    yield time.perf_counter() - start


kind, (width, size, threads, count) = sys.argv[1], map(int, sys.argv[2:6])
torch.set_num_threads(threads)
times = [1000 * t for t in (step if kind == "step" else scan)(width, size, count)]
print(json.dumps(dict(times=times[3:] if kind == "step" else times)))
