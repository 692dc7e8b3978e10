"""The same work in PyTorch, for comparison.

Takes one JSON argument, the spec of ours.ts, and prints one JSON line {"times": [milliseconds, ...]}.

kind step: training steps; images with SGD, momentum and decay, a GPT with AdamW and clipping; with a fused optimiser,
  fused attention and channels last where these are faster
kind scan: the total time of every cell of a pair's default scans, evaluated one after the other
kind train: trains the networks of a pair on CIFAR's file and saves their state dicts
kind measure: the cells of scan for those files
"""
import copy, json, math, sys, time
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


class VGG11(nn.Module):
    """torchvision's VGG11 with dropout; a smaller width divides the channels."""

    def __init__(self, width=64, hidden=4096, classes=10):
        super().__init__()
        layers, inner = [], 3
        for factor in (1, "pool", 2, "pool", 4, 4, "pool", 8, 8, "pool", 8, 8, "pool"):
            if factor == "pool":
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(inner, width * factor, 3, 1, 1), nn.ReLU(inplace=True)]
                inner = width * factor
        self.features, self.avgpool = nn.Sequential(*layers), nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(inner * 49, hidden), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(hidden, hidden), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(hidden, classes))

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class Attention(nn.Module):
    is_fused = False

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.c_attn, self.c_proj = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim, bias=False)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = (y.view(n, t, self.heads, c // self.heads).transpose(1, 2) for y in self.c_attn(x).split(c, 2))
        if Attention.is_fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.c_proj(y.transpose(1, 2).reshape(n, t, c))
        scores = q @ k.transpose(2, 3) / math.sqrt(c // self.heads)
        future = torch.ones(t, t, dtype=torch.bool).triu(1)
        y = scores.masked_fill(future, -math.inf).softmax(3) @ v
        return self.c_proj(y.transpose(1, 2).reshape(n, t, c))


class Scale(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight)


class GPT(nn.Module):
    """nanoGPT's blocks without biases; the head is tied to the embedding."""

    def __init__(self, blocks, dim, heads, context, classes=96):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(classes, dim), nn.Embedding(context, dim)
        self.blocks = nn.ModuleList(nn.ModuleList([
            Scale(dim), Attention(dim, heads), Scale(dim),
            nn.Sequential(nn.Linear(dim, 4 * dim, bias=False), nn.GELU(), nn.Linear(4 * dim, dim, bias=False))]) for _ in range(blocks))
        self.ln_f = Scale(dim)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, 0, 0.02)

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for ln_1, attention, ln_2, mlp in self.blocks:
            x = x + attention(ln_1(x))
            x = x + mlp(ln_2(x))
        return F.linear(self.ln_f(x), self.wte.weight)


def build(spec):
    sizes = spec["sizes"]
    if spec["network"] == "gpt":
        return GPT(context=spec["size"], **sizes)
    return (VGG11 if spec["network"] == "vgg11" else ResNet18)(**sizes)


def cells(names):
    """Every cell of the scans single, shallow, deep, random, minimal, full on both bases, and the two ends."""
    minimal = names[:5] + names[-5:] + names[5:-5]
    shuffled = [names[i] for i in torch.randperm(len(names), generator=torch.Generator().manual_seed(111))]
    chosen = [[name] for name in names]
    for order in (names, names[::-1], shuffled, minimal):
        chosen += [order[: i + 1] for i in range(len(order))]
    return [(c, base) for base in (0, 1) for c in chosen] + [(names, 0), ([], 0), ([], 1)]


def steps(spec, count, fused, other):
    """Times of training steps. `fused`: a fused optimiser; `other`: fused attention, or channels last."""
    net, n, size = build(spec), spec["batch"], spec["size"]
    is_text = spec["network"] == "gpt"
    if is_text:
        Attention.is_fused = other
        optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, betas=(0.9, 0.95), weight_decay=1e-3, fused=fused)
        x, y = torch.randint(96, (n, size)), torch.randint(96, (n, size))
    else:
        layout = torch.channels_last if other else torch.contiguous_format
        net = net.to(memory_format=layout)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=fused)
        x, y = torch.randn(n, 3, size, size).to(memory_format=layout), torch.randint(10, (n,))
    for _ in range(count + 3):
        start = time.perf_counter()
        logits = net(x)
        loss = F.cross_entropy(logits.view(-1, logits.shape[-1]), y.view(-1))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if is_text:
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        loss.item()
        yield time.perf_counter() - start


def step(spec):
    """Times for the fastest of the settings, chosen by five steps of each."""
    ways = [(fused, other) for fused in (True, False) for other in (True, False)]
    best = min(ways, key=lambda way: min(list(steps(spec, 5, *way))[3:]))
    return list(steps(spec, spec["count"], *best))[3:]


def evaluate(net, states, x, y, batch=100):
    names = list(dict.fromkeys(key.rsplit(".", 1)[0] for key in states[0]))
    with torch.no_grad():
        for chosen, base in cells(names):
            state = dict(states[base])
            for name in chosen:
                for key in state:
                    if key.rsplit(".", 1)[0] == name:
                        state[key] = 0.5 * states[0][key] + 0.5 * states[1][key]
            net.load_state_dict(state)
            for i in range(0, len(x), batch):
                out = net(x[i:i + batch])
                F.cross_entropy(out.double(), y[i:i + batch], reduction="sum").item()
                (out.argmax(1) != y[i:i + batch]).sum().item()


def scan(spec):
    size, samples, states = spec["size"], spec["count"], []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(copy.deepcopy(build(spec).state_dict()))
    x, y = torch.randn(samples, 3, size, size), torch.randint(10, (samples,))
    net = build(spec).eval()
    best = min((torch.channels_last, torch.contiguous_format), key=lambda layout: timed(net.to(memory_format=layout), x[:50].to(memory_format=layout)))
    net, x = net.to(memory_format=best), x.to(memory_format=best)
    start = time.perf_counter()
    evaluate(net, states, x, y)
    yield time.perf_counter() - start


def timed(net, x):
    times = []
    with torch.no_grad():
        for _ in range(4):
            start = time.perf_counter()
            net(x)
            times.append(time.perf_counter() - start)
    return min(times)


def cifar(spec):
    rows = torch.frombuffer(bytearray(open(spec["file"], "rb").read(spec["samples"] * 3073)), dtype=torch.uint8).view(-1, 3073)
    mean, std = torch.tensor([0.4914, 0.4822, 0.4465]), torch.tensor([0.2023, 0.1994, 0.2010])
    x = rows[:, 1:].float().view(-1, 3, 32, 32) / 255
    return (x - mean.view(3, 1, 1)) / std.view(3, 1, 1), rows[:, 0].long()


def train(spec):
    x, y = cifar(spec)
    batch, epochs, step = 64, spec["epochs"], 0
    for name in spec["networks"]:
        torch.manual_seed(1)
        net, order = ResNet18(spec["width"]), torch.Generator().manual_seed(ord(name))
        optimiser = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
        torch.save(net.state_dict(), f"{spec['folder']}/{name}-initial.pt")
        for epoch in range(epochs):
            for rows in torch.randperm(len(x), generator=order).split(batch):
                rate = min(0.025 * (1 + math.cos(math.pi * epoch / epochs)), 1e-4 + 0.05 * step / 50)
                for group in optimiser.param_groups:
                    group["lr"] = rate
                loss = F.cross_entropy(net(x[rows]), y[rows])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                loss.item()
                step += 1
        torch.save(net.state_dict(), f"{spec['folder']}/{name}.pt")
    return []


def measure(spec):
    x, y = cifar(spec)
    states = [torch.load(f"{spec['folder']}/{name}.pt") for name in "ab"]
    evaluate(ResNet18(spec["width"]).eval(), states, x, y)
    return []


spec = json.loads(sys.argv[1])
torch.set_num_threads(spec["threads"])
times = [1000 * t for t in dict(step=step, scan=scan, train=train, measure=measure)[spec["kind"]](spec)]
print(json.dumps(dict(times=times)))
