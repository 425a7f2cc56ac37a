"""Train the curves of the chapter “Why residual”: plain, residual and pre-activation networks, shallow and deep.

All have the same widths, the same pictures and the same schedule; each depth is trained from several seeds. What is
kept are the training errors of every epoch and a few looks at the gradients, with all settings beside them. The
controls ask whether the deep plain network only wants more time, or a smaller learning rate.

    python scripts/train_plain_and_residual.py                          # downloads CIFAR-10 (170 MB)
    python scripts/train_plain_and_residual.py --data cifar10-jpeg.zip  # JPEGs in {train,test}/<class>/ folders

Three quarters of an hour on one core that has nothing else to do.
"""

import argparse
import datetime
import json
import platform
import time
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from train_features import download, normalize, read_cifar10

from linewalk.blocks.plain import Plain, PreActivation, Residual, SmallNet

CURVES = Path(__file__).parents[1] / "linewalk" / "measured" / "plain_and_residual.json"
SEEDS = [0, 1, 2]
PICTURES, SIDE, WIDTH, EPOCHS, BATCH = 5000, 16, 8, 30, 128
# The paper's: section 4.2 of https://arxiv.org/abs/1512.03385.
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, DROPS = 0.1, 0.9, 1e-4, (0.5, 0.75)
NETWORKS = [(block, n, EPOCHS, LEARNING_RATE) for block in (Plain, Residual) for n in (1, 3, 7)]
NETWORKS += [(PreActivation, 7, EPOCHS, LEARNING_RATE)]
CONTROLS = [(Plain, 7, EPOCHS, 0.01), (Plain, 1, 4 * EPOCHS, LEARNING_RATE), (Plain, 7, 4 * EPOCHS, LEARNING_RATE)]
NUDGE = 0.003  # of the pictures' standard deviation, as in chapter three's experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a zip of JPEGs or cifar-10-python.tar.gz; downloaded if not given")
    parser.add_argument("--out", type=Path, default=CURVES)
    args = parser.parse_args()

    torch.set_num_threads(1)
    data = args.data or download()
    train_set, test_set = (small(split) for split in read_cifar10(data))
    chosen = torch.randperm(len(train_set[0]), generator=torch.Generator().manual_seed(0))[:PICTURES]
    train_set = [tensor[chosen] for tensor in train_set]
    runs = [trained(*network, seed, train_set, test_set) for network in NETWORKS + CONTROLS for seed in SEEDS]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(as_json(settings(data), runs), encoding="utf-8")


def trained(block, n, epochs, lr, seed, train_set, test_set):
    torch.manual_seed(seed)
    network, started = SmallNet(block, n, WIDTH), time.process_time()
    errors, looks = train(network, epochs, lr, *train_set)
    run = {"block": block.__name__, "depth": 6 * n + 2, "epochs": epochs, "learning_rate": lr, "seed": seed,
           "train_error": errors, "test_error": error(network, *test_set), "gradients": looks}
    print(f"{run['block']:13} {run['depth']:2} layers  {epochs:3} epochs at {lr:4}  seed {seed}  "
          f"train error {errors[-1]:5.1f} %  test error {run['test_error']:5.1f} %  "
          f"{time.process_time() - started:.0f} s of the core", flush=True)
    return run


def train(network, epochs, lr, images, labels):
    """The training error of each epoch in percent, counted while the weights move, and the gradients at three."""
    steps = len(images) // BATCH
    optimizer = torch.optim.SGD(network.parameters(), lr, MOMENTUM, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [int(epochs * part) for part in DROPS])
    errors, looks = [], {0: gradients(network, images, labels)}
    network.train()
    for epoch in range(1, epochs + 1):
        wrong = 0
        for batch in torch.randperm(len(images))[: steps * BATCH].split(BATCH):
            scores = network(images[batch])
            optimizer.zero_grad()
            F.cross_entropy(scores, labels[batch]).backward()
            optimizer.step()
            wrong += (scores.argmax(1) != labels[batch]).sum().item()
        schedule.step()
        errors.append(round(100 * wrong / (steps * BATCH), 2))
        if epoch in (1, epochs):
            looks[epoch] = gradients(network, images, labels)
    return errors, looks


@torch.no_grad()
def error(network, images, labels):
    """The share of pictures in percent that the network, in evaluation mode, puts into a wrong class."""
    network.eval()
    wrong = sum((network(some).argmax(1) != right).sum().item()
                for some, right in zip(images.split(500), labels.split(500), strict=True))
    return round(100 * wrong / len(images), 2)


def gradients(network, images, labels):
    """Of the loss on the first 128 pictures, in training mode: how large, and how steady when the pictures are nudged.

    first_block: of the first block's first convolution, the gradient's norm times the weights' own. Behind it comes a
        batch norm, which makes weights ten times as large compute the same with a tenth of the gradient; the product
        does not depend on that.
    steadiness: cosine similarity of the pictures' gradients before and after the nudge.
    """
    network.train()
    statistics = {name: tensor.clone() for name, tensor in network.named_buffers()}
    images, labels = images[:BATCH], labels[:BATCH]
    nudge = NUDGE * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    found = []
    for some in (images, images + nudge):
        some = some.clone().requires_grad_()
        network.zero_grad()
        F.cross_entropy(network(some), labels).backward()
        found.append(some.grad.flatten())
    for name, tensor in network.named_buffers():
        tensor.copy_(statistics[name])
    weight = network.blocks[0].conv1.weight
    return {"first_block": float(f"{weight.grad.norm().item() * weight.norm().item():.4g}"),
            "steadiness": round(torch.cosine_similarity(*found, dim=0).item(), 3)}


def small(split):
    """The pictures at half their side, normalized: float (N, 3, SIDE, SIDE), and their labels."""
    images, labels = split
    return torch.cat([F.avg_pool2d(normalize(some.float()), 32 // SIDE) for some in images.split(1000)]), labels


def settings(data):
    return {
        "command": "python scripts/train_plain_and_residual.py", "date": str(datetime.date.today()),
        "data": f"CIFAR-10, {'as JPEGs' if zipfile.is_zipfile(data) else 'the original'}",
        "pictures": PICTURES, "side": SIDE, "width": WIDTH,
        "batch": BATCH, "divided_by_10_after": DROPS, "momentum": MOMENTUM,
        "weight_decay": WEIGHT_DECAY, "augmentation": None, "nudge": NUDGE, "seeds": SEEDS,
        "torch": torch.__version__, "python": platform.python_version(),
        "device": f"cpu, {platform.machine()}, 1 thread",
    }


def as_json(settings, runs):
    """JSON with a run on each line, so that a diff shows which runs have changed."""
    lines = ",\n".join("  " + json.dumps(run) for run in runs)
    return f'{{"settings": {json.dumps(settings, indent=1)},\n"runs": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    main()
