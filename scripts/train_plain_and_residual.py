"""Train the curves of the chapter “Why residual”: plain, residual and pre-activation networks, shallow and deep.

All have the same widths, the same pictures and the same schedule; each depth is trained from several seeds. What is
kept are the training errors of every epoch and a few looks at the gradients, with all settings beside them.

    python scripts/train_plain_and_residual.py                          # downloads CIFAR-10 (170 MB)
    python scripts/train_plain_and_residual.py --data cifar10-jpeg.zip  # JPEGs in {train,test}/<class>/ folders

A quarter of an hour on one core that has nothing else to do.
"""

import argparse
import datetime
import json
import platform
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from train_features import download, normalize, read_cifar10

from linewalk.blocks.plain import Plain, PreActivation, Residual, SmallNet

CURVES = Path(__file__).parents[1] / "linewalk" / "curves" / "plain_and_residual.json"
NETWORKS = [(Plain, 1), (Plain, 3), (Plain, 7), (Residual, 1), (Residual, 3), (Residual, 7), (PreActivation, 7)]
SEEDS = [0, 1, 2]
PICTURES, SIDE, WIDTH, EPOCHS, BATCH = 5000, 16, 8, 30, 128
# The paper's: section 4.2 of https://arxiv.org/abs/1512.03385.
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, DROPS = 0.1, 0.9, 1e-4, (0.5, 0.75)
NUDGE = 0.003  # of the pictures' standard deviation, as in chapter three's experiment
LOOKS = (0, 1, EPOCHS)  # epochs after which gradients are looked at


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a zip of JPEGs or cifar-10-python.tar.gz; downloaded if not given")
    parser.add_argument("--out", type=Path, default=CURVES)
    args = parser.parse_args()

    torch.set_num_threads(1)
    train_set, test_set = (small(split) for split in read_cifar10(args.data or download()))
    chosen = torch.randperm(len(train_set[0]), generator=torch.Generator().manual_seed(0))[:PICTURES]
    train_set = [tensor[chosen] for tensor in train_set]
    runs = [trained(block, n, seed, train_set, test_set) for seed in SEEDS for block, n in NETWORKS]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(as_json({"settings": settings(), "runs": runs}), encoding="utf-8")


def trained(block, n, seed, train_set, test_set):
    torch.manual_seed(seed)
    network, started = SmallNet(block, n, WIDTH), time.process_time()
    errors, looks = train(network, *train_set)
    run = {"block": block.__name__, "depth": 6 * n + 2, "seed": seed, "train_error": errors,
           "test_error": error(network, *test_set), "gradients": looks}
    print(f"{run['block']:13} {run['depth']:2} layers  seed {seed}  train error {errors[-1]:5.1f} %  "
          f"test error {run['test_error']:5.1f} %  {time.process_time() - started:.0f} s of the core", flush=True)
    return run


def train(network, images, labels):
    """The training error of each epoch in percent, counted while the weights move, and the gradients at the LOOKS."""
    steps = len(images) // BATCH
    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [int(EPOCHS * part) for part in DROPS])
    errors, looks = [], {0: gradients(network, images, labels)}
    network.train()
    for epoch in range(1, EPOCHS + 1):
        wrong = 0
        for batch in torch.randperm(len(images))[: steps * BATCH].split(BATCH):
            scores = network(images[batch])
            optimizer.zero_grad()
            F.cross_entropy(scores, labels[batch]).backward()
            optimizer.step()
            wrong += (scores.argmax(1) != labels[batch]).sum().item()
        schedule.step()
        errors.append(round(100 * wrong / (steps * BATCH), 2))
        if epoch in LOOKS:
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


def settings():
    return {
        "command": "python scripts/train_plain_and_residual.py", "date": str(datetime.date.today()),
        "data": "CIFAR-10 (Krizhevsky, 2009)", "pictures": PICTURES, "side": SIDE, "width": WIDTH, "epochs": EPOCHS,
        "batch": BATCH, "learning_rate": LEARNING_RATE, "divided_by_10_after": DROPS, "momentum": MOMENTUM,
        "weight_decay": WEIGHT_DECAY, "augmentation": None, "nudge": NUDGE, "seeds": SEEDS,
        "torch": torch.__version__, "python": platform.python_version(),
        "device": f"cpu, {platform.machine()}, 1 thread",
    }


def as_json(kept):
    """JSON with a run on each line, so that a diff shows which runs have changed."""
    runs = ",\n".join("  " + json.dumps(run) for run in kept["runs"])
    return f'{{"settings": {json.dumps(kept["settings"], indent=1)},\n"runs": [\n{runs}\n]}}\n'


if __name__ == "__main__":
    main()
