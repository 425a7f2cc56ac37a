"""Train the filters that the chapters show, and ship the stem and the first block of what was trained.

A small ResNet (the stem and first block of ResNet-50, two more bottlenecks behind them) learns CIFAR-10; only the
stem and the first block are written, with the model card beside them.

    python scripts/train_features.py                          # downloads CIFAR-10 (170 MB)
    python scripts/train_features.py --data cifar10-jpeg.zip  # JPEGs in {train,test}/<class>/ folders
"""

import argparse
import datetime
import hashlib
import io
import pickle
import sys
import tarfile
import time
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

from linewalk.blocks import Stem, resnet, shortcut
from linewalk.images import IMAGENET_MEAN, IMAGENET_STD

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
DOWNLOAD = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
DOWNLOAD_MD5 = "c58f30108f718f92721af3b95e74349a"
WEIGHTS = Path(__file__).parents[1] / "linewalk" / "weights" / "stem_block_cifar10.safetensors"
# Crops of 32×32 images are enlarged to this: smooth enough that a 7×7 filter sees whole edges, as on a photograph.
RESOLUTION = 48


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a zip of JPEGs or cifar-10-python.tar.gz; downloaded if not given")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    args = parser.parse_args()

    torch.manual_seed(0)
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    train_set, test_set = read_cifar10(args.data or download())
    network = SmallResNet().to(device)
    train(network, train_set, args.epochs, device)
    accuracy = evaluate(network, test_set, device)
    print(f"test accuracy {accuracy:.2%}")

    kept = {f"stem.{name}": tensor for name, tensor in network.stem.state_dict().items()}
    kept |= {f"block.{name}": tensor for name, tensor in network.block.state_dict().items()}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file({name: tensor.contiguous().cpu() for name, tensor in kept.items()}, args.out)
    args.out.with_name("MODEL_CARD.md").write_text(model_card(network, accuracy, args.epochs), encoding="utf-8")


class SmallResNet(nn.Module):
    """ResNet-50's stem and first bottleneck, then a 128 and a 256 bottleneck at stride 2, then a linear layer.

    Shapes: input (N, 3, H, W); output (N, 10).
    """

    def __init__(self):
        super().__init__()
        self.stem = Stem()
        self.block = resnet.Bottleneck(64, 64, downsample=shortcut(64, 256))
        self.rest = nn.Sequential(
            resnet.Bottleneck(256, 128, stride=2, downsample=shortcut(256, 512, stride=2)),
            resnet.Bottleneck(512, 256, stride=2, downsample=shortcut(512, 1024, stride=2)),
        )
        self.fc = nn.Linear(1024, len(CLASSES))

    def forward(self, x):
        x = self.rest(self.block(self.stem(x)))
        return self.fc(x.mean((2, 3)))


def train(network, train_set, epochs, device, batch_size=128):
    images, labels = (tensor.to(device) for tensor in train_set)
    steps = len(images) // batch_size
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.15, total_steps=epochs * steps)
    network.train()
    for epoch in range(epochs):
        started, total = time.time(), 0.0
        for batch in torch.randperm(len(images), device=device)[: steps * batch_size].split(batch_size):
            with torch.autocast(device.type, dtype=torch.bfloat16):
                scores = network(augment(images[batch]))
            loss = F.cross_entropy(scores.float(), labels[batch], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        rate = steps * batch_size / (time.time() - started)
        print(f"epoch {epoch + 1}/{epochs}  loss {total / steps:.3f}  {rate:.0f} images/s", flush=True)


@torch.no_grad()
def evaluate(network, test_set, device):
    network.eval()
    right = 0
    for images, labels in zip(*(tensor.split(500) for tensor in test_set), strict=True):
        images = F.interpolate(images.to(device).float(), RESOLUTION, mode="bicubic", antialias=True)
        right += (network(normalize(images)).argmax(1).cpu() == labels).sum().item()
    return right / len(test_set[0])


def augment(images):
    """Random crops of 60–100 % of the side, flips, and changes of brightness, contrast and saturation.

    Shapes: uint8 (N, 3, 32, 32) in, normalized float (N, 3, RESOLUTION, RESOLUTION) out.
    """
    n, device = len(images), images.device
    side = torch.empty(n, device=device).uniform_(0.6, 1.0)
    flip = torch.randint(0, 2, (n,), device=device) * 2 - 1
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 0], theta[:, 1, 1] = side * flip, side
    theta[:, :, 2] = torch.empty(n, 2, device=device).uniform_(-1, 1) * (1.1 - side)[:, None]
    grid = F.affine_grid(theta, (n, 3, RESOLUTION, RESOLUTION), align_corners=False)
    images = F.grid_sample(images.float(), grid, mode="bicubic", padding_mode="reflection", align_corners=False)

    def factor():
        return torch.empty(n, 1, 1, 1, device=device).uniform_(0.7, 1.3)

    images = images * factor()
    mean = images.mean((1, 2, 3), keepdim=True)
    images = mean + (images - mean) * factor()
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * factor()
    return normalize(images)


def normalize(images):
    mean = torch.tensor(IMAGENET_MEAN, device=images.device)[:, None, None]
    std = torch.tensor(IMAGENET_STD, device=images.device)[:, None, None]
    return (images / 255 - mean) / std


def read_cifar10(path):
    """CIFAR-10 as ((50000 images, labels), (10000 images, labels)); images are uint8 (N, 3, 32, 32)."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return tuple(_read_jpegs(archive, split) for split in ("train", "test"))
    with tarfile.open(path) as archive:
        return tuple(_read_pickles(archive, split) for split in ("data_batch", "test_batch"))


def _read_jpegs(archive, split):
    names = [name for name in sorted(archive.namelist()) if name.startswith(split + "/") and name.endswith(".jpg")]
    images = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names])
    labels = torch.tensor([CLASSES.index(name.split("/")[1]) for name in names])
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), labels


def _read_pickles(archive, split):
    names = sorted(name for name in archive.getnames() if split in name)
    batches = [pickle.load(archive.extractfile(name), encoding="latin1") for name in names]
    images = torch.from_numpy(np.concatenate([batch["data"] for batch in batches])).view(-1, 3, 32, 32)
    return images, torch.tensor([label for batch in batches for label in batch["labels"]])


def download():
    path = Path("cifar-10-python.tar.gz")
    if not path.exists():
        print(f"downloading {DOWNLOAD}")
        try:
            urllib.request.urlretrieve(DOWNLOAD, path)
        except OSError as error:
            sys.exit(
                f"没能下载 CIFAR-10（{error}）：请自己下载 {DOWNLOAD}，再用 --data 指定文件。"
                f" · CIFAR-10 could not be downloaded ({error}): fetch {DOWNLOAD} yourself and name it with --data."
            )
    if hashlib.md5(path.read_bytes()).hexdigest() != DOWNLOAD_MD5:
        sys.exit(
            f"{path} 不完整或被改过：请删掉它，再运行一次。 · {path} is incomplete or altered: delete it and run again."
        )
    return path


def model_card(network, accuracy, epochs):
    blocks = [p.numel() for part in (network.stem, network.block) for p in part.parameters()]
    return f"""# stem_block_cifar10

The stem and the first bottleneck of a small ResNet, for showing feature maps in the chapters; not a classifier.

- **What**: 7×7/2 convolution → 64, batch norm, ReLU, 3×3/2 max-pooling, then the 64→64→256 bottleneck with its
  projection shortcut: {sum(blocks):,} parameters, in the names and shapes of torchvision's ResNet-50 (`stem.*`,
  `block.*`).
- **Data**: CIFAR-10 (Krizhevsky, 2009), 50,000 training images in 10 classes, enlarged to {RESOLUTION}×{RESOLUTION}
  with random crops, flips and changes of brightness, contrast and saturation; ImageNet's mean and standard deviation.
- **Command**: `python scripts/train_features.py --epochs {epochs}`
- **Date**: {datetime.date.today()}
- **Accuracy of the whole network** ({sum(p.numel() for p in network.parameters()):,} parameters) on the 10,000 test
  images: {accuracy:.2%}.
- **Not for**: recognizing anything by itself. The filters have seen ten kinds of small pictures and no people.
- **Licence**: MIT, as the code.
"""


if __name__ == "__main__":
    main()
