"""Prints the loss of the average of two BatchNorm networks with running statistics recomputed by
torch.optim.swa_utils.update_bn. Arguments: the folder of reference scripts, the data folder, two checkpoints, samples."""
import sys

import torch
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

reference, data, first, second, count = sys.argv[1:]
sys.path.insert(0, reference)
from datasets import cifar  # noqa: E402
from nets import resnet18_nonorm  # noqa: E402

a, b = torch.load(first), torch.load(second)
net = resnet18_nonorm(a["conv1.weight"].shape[0], norm=torch.nn.BatchNorm2d)
net.load_state_dict({n: (t + b[n]) / 2 if t.is_floating_point() else t for n, t in a.items()})
images, labels = cifar(data, "train", int(count))
full = len(images) // 64 * 64
update_bn(images[:full].split(64), net)
net.eval()
with torch.no_grad():
    logits = net(images)
print(F.cross_entropy(logits, labels).item(), 100 * (logits.argmax(1) != labels).float().mean().item())
