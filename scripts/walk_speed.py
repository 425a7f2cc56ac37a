"""Prints what a walk costs beside a plain call: time, and the memory that stays. Nothing is drawn.

    python scripts/walk_speed.py [rounds]

One process, one thread; calls and walks take turns, and the median of many rounds counts, so that a busy machine slows
both. Time is the thread's own. As in `trail = walk(…)`, what a round gave lives until the next round gives it anew:
where it is dropped at once, its memory goes back to the system, and a walk, which takes more of it than a plain call,
waits for it each time. Where TorchLens is installed, it stands beside them.
"""

import gc
import resource
import statistics
import sys
import time

import torch
import torch.nn as nn

from linewalk import walk
from linewalk.blocks import explicit, shortcut

try:
    import torchlens
except ImportError:
    torchlens = None


class Small(nn.Module):
    """Some ten operators; a fraction of a millisecond."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(64, 256), nn.Linear(256, 64)
        self.norm = nn.LayerNorm(64)

    def forward(self, x):
        y = self.norm(x)
        y = self.first(y)
        y = torch.nn.functional.gelu(y)
        y = self.second(y)
        return x + y


class Appends(nn.Module):
    """A loop of 1,600 turns that keeps what it makes."""

    def forward(self, x):
        outs, h = [], x
        for _ in range(1600):
            h = h * 0.5
            outs.append(h)
        return torch.stack(outs)


def cases():
    """(name, module, input, grad, bar): the bar is how many plain calls a walk may cost."""
    block = explicit.Bottleneck(64, 64, downsample=shortcut(64, 256)).eval()
    x = torch.randn(1, 64, 56, 56)
    yield "block 64→256, 56×56", block, x, False, 1.4
    yield "the same with gradients", block, x, True, 1.6
    yield "ResNet-50, 224×224", resnet_50(), torch.randn(1, 3, 224, 224), False, 1.2
    yield "feed-forward, below 1 ms", Small().eval(), torch.randn(16, 64), False, 6
    yield "loop that appends", Appends(), torch.ones(64), False, 6


def resnet_50():
    """ResNet-50 with torchvision's layout, from this book's own blocks."""

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1, self.relu, self.maxpool = nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
            widths, channels = [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)], 64
            for number, (width, count, stride) in enumerate(widths, 1):
                first = explicit.Bottleneck(channels, width, stride, shortcut(channels, 4 * width, stride))
                rest = [explicit.Bottleneck(4 * width, width) for _ in range(count - 1)]
                setattr(self, f"layer{number}", nn.Sequential(first, *rest))
                channels = 4 * width
            self.fc = nn.Linear(channels, 1000)

        def forward(self, x):
            x = self.conv1(x)
            x = self.bn1(x)
            x = self.relu(x)
            x = self.maxpool(x)
            x = self.layer1(x)
            x = self.layer2(x)
            x = self.layer3(x)
            x = self.layer4(x)
            x = x.mean((2, 3))
            return self.fc(x)

    return ResNet().eval()


def medians(calls, rounds):
    """Seconds of each call, in turns."""
    spent, results = [[] for _ in calls], [call() for call in calls]
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.thread_time()
            results[i] = call()
            spent[i].append(time.thread_time() - start)
    return [statistics.median(times) for times in spent]


def megabytes_held(trail):
    """What the trail's results take, each value once, and what is really held for them: whole memories."""
    values, memories = {}, {}
    for step in trail:
        found = [change.value for change in step.changed.values()]
        found += [call.value for call in every_call(step)]
        for value in found:
            if isinstance(value, torch.Tensor):
                storage = value.untyped_storage()
                values[storage.data_ptr(), value.storage_offset(), value.shape] = value.numel() * value.element_size()
                memories[storage.data_ptr()] = storage.nbytes()
    return sum(values.values()) / 1e6, sum(memories.values()) / 1e6


def every_call(doing):
    for call in doing.calls:
        yield call
        yield from every_call(call)


def main(rounds):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"{'':28}{'plain':>10}{'walk':>10}{'times':>8}{'bar':>6}{'TorchLens':>12}")
    for name, module, x, grad, bar in cases():
        with torch.set_grad_enabled(grad):
            plain, walked = medians([lambda m=module, x=x: m(x), lambda m=module, x=x: walk(m, x)], rounds)
            lens = ""
            if torchlens is not None:
                (seconds,) = medians([lambda m=module, x=x: torchlens.log_forward_pass(m, x)], max(1, rounds // 20))
                lens = f"{seconds / plain:.0f}×"
        print(f"{name:28}{plain * 1e3:8.2f}ms{walked * 1e3:8.2f}ms{walked / plain:7.2f}×{bar:5}×{lens:>12}")
    gc.collect()
    with torch.no_grad():
        trail = walk(resnet_50(), torch.randn(1, 3, 224, 224))
    needed, held = megabytes_held(trail)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    times = held / needed
    print(f"ResNet-50: results {needed:.0f} MB, held {held:.0f} MB, {times:.2f}× (bar 1.3×); peak {peak:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 31)
