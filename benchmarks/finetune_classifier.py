# SPDX-License-Identifier: MIT
"""Train a classifier as a person outside this program does, and save it in every form that people have.

    python benchmarks/finetune_classifier.py --out FOLDER [--data leaves-64] [--network resnet18 | timm] [--scale 1]

Three crops (apple, bell pepper, strawberry) become `FOLDER/pictures/{train,val}/CROP/*.jpg`, split by camera series.
torchvision's ResNet-18, or one of five small timm networks drawn with a fixed seed, learns the crop at 224 px with
torchvision's ImageFolder and plain torch; nothing of this program is used. Pretrained weights are not to be had
without a network connection, so training starts from random weights, on small pictures first (progressive resizing),
and ends at 224 px. `--scale` multiplies the number of pictures of each stage.

Saved for ResNet-18: state dict, ONNX (torch's dynamo exporter), TorchScript, torch.export and a Hugging Face folder as
transformers writes it; for timm: a checkpoint by timm's own CheckpointSaver and a Hugging Face folder by timm's
save_for_hf. `report.json` has the accuracy on the validation pictures at 224 px, and after reducing them to 64 and
128 px first.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
import warnings
import zipfile
from pathlib import Path

import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.models import save_for_hf
from timm.utils import CheckpointSaver
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.models import resnet18

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "leaves-64"
CROPS = ("apple", "bell pepper", "strawberry")
SMALL = ("regnetx_002", "mobilenetv3_small_100", "lcnet_100", "mobilenetv2_050", "resnet10t")  # timm
STAGES = ((64, 4000), (112, 1600), (224, 400))  # px, pictures
VALIDATION = 120  # pictures of each crop
BATCH = 16
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def write_pictures(data: Path, out: Path) -> None:
    """Write `out/{train,val}/CROP/*.jpg`: equally many pictures of each crop, whole camera series on one side."""
    with open(data / "labels.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["crop"] in CROPS]
    rng = random.Random(0)
    with zipfile.ZipFile(data / "images.zip") as pictures:
        for crop in CROPS:
            mine = [row for row in rows if row["crop"] == crop]
            groups = sorted({row["group"] for row in mine})
            rng.shuffle(groups)
            held_out = set(groups[: len(groups) // 5])
            for side in ("train", "val"):
                folder = out / side / crop
                folder.mkdir(parents=True)
                chosen = [row for row in mine if (row["group"] in held_out) == (side == "val")]
                rng.shuffle(chosen)
                for row in chosen[: VALIDATION if side == "val" else 4 * VALIDATION]:
                    (folder / Path(row["file"]).name).write_bytes(pictures.read(row["file"]))


def loader(folder: Path, steps: list[object], pictures: int | None = None) -> DataLoader[tuple[Tensor, Tensor]]:
    """Return batches of a folder; of `pictures` of them in random order (again and again if there are fewer)."""
    normal = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    data = ImageFolder(str(folder), transforms.Compose([*steps, *normal]))
    if pictures is None:
        return DataLoader(data, batch_size=BATCH)
    order = [index for _ in range(-(-pictures // len(data))) for index in torch.randperm(len(data)).tolist()]
    return DataLoader(Subset(data, order[:pictures]), batch_size=BATCH, drop_last=True)


def train(net: nn.Module, pictures: Path, scale: float) -> None:
    """Train in stages of growing pictures, with one learning rate schedule over all of them."""
    stages = [(size, max(BATCH, round(number * scale))) for size, number in STAGES]
    total = sum(number // BATCH for _, number in stages)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=total, pct_start=0.2)
    net.train()
    for size, number in stages:
        began, losses = time.perf_counter(), []
        steps = [transforms.RandomResizedCrop(size, scale=(0.6, 1.0)), transforms.RandomHorizontalFlip()]
        for x, y in loader(pictures / "train", steps, number):
            loss = nn.functional.cross_entropy(net(x.to(memory_format=torch.channels_last)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        rest = losses[-20:]
        seconds = time.perf_counter() - began
        print(f"{size} px: {number} pictures, {seconds:.0f} s, loss {sum(rest) / len(rest):.3f}", flush=True)
    # The running statistics are still those of smaller pictures; they are replaced by those of 224 px.
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        steps = [transforms.Resize(256), transforms.CenterCrop(224)]
        for x, _ in loader(pictures / "train", steps, 15 * BATCH):
            net(x.to(memory_format=torch.channels_last))
    net.eval().to(memory_format=torch.contiguous_format)


class Reduced:
    """A picture as a generator of `size` px would show it: a square, reduced by an area filter."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, image: Image.Image) -> Image.Image:
        return image if min(image.size) <= self.size else image.resize((self.size, self.size), Image.Resampling.BOX)


@torch.no_grad()
def accuracies(net: nn.Module, pictures: Path) -> dict[str, float]:
    """Return the accuracy on the validation pictures, as they are and reduced to 64 and 128 px."""
    found = {}
    for size in (64, 128, 224):
        steps = [Reduced(size), transforms.Resize(256), transforms.CenterCrop(224)]
        right = [net(x).argmax(1) == y for x, y in loader(pictures / "val", steps)]
        found[str(size)] = float(torch.cat(right).double().mean())
    return found


def save_resnet(net: nn.Module, out: Path) -> None:
    """Save the forms of a torchvision network."""
    torch.save(net.state_dict(), out / "resnet18.pth")
    x, any_batch = torch.randn(2, 3, 224, 224), ({0: torch.export.Dim("batch")},)
    torch.onnx.export(net, (x,), out / "resnet18.onnx", dynamo=True, dynamic_shapes=any_batch, verbose=False)
    torch.export.save(torch.export.export(net, (x,), dynamic_shapes=any_batch), out / "resnet18.pt2")
    torch.jit.save(torch.jit.trace(net, x), out / "resnet18-torchscript.pt")
    folder = out / "transformers-folder"
    folder.mkdir(exist_ok=True)
    save_file(as_transformers(net.state_dict()), folder / "model.safetensors", {"format": "pt"})
    names = {str(index): crop for index, crop in enumerate(CROPS)}
    config = {
        "architectures": ["ResNetForImageClassification"], "model_type": "resnet", "layer_type": "basic",
        "embedding_size": 64, "hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2], "hidden_act": "relu",
        "downsample_in_first_stage": False, "num_channels": 3, "id2label": names,
        "label2id": {crop: int(index) for index, crop in names.items()},
    }  # fmt: skip
    processor = {
        "image_processor_type": "ConvNextImageProcessor", "do_resize": True, "size": {"shortest_edge": 224},
        "crop_pct": 0.875, "resample": 2, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": MEAN, "image_std": STD,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=1), encoding="utf-8")


def as_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a torchvision ResNet's tensors under the names of transformers' ResNetForImageClassification."""
    new = {}
    for name, value in state.items():
        parts = name.split(".")
        leaf = parts[-1]
        if parts[0] in ("conv1", "bn1"):
            place = f"resnet.embedder.embedder.{'convolution' if parts[0] == 'conv1' else 'normalization'}"
        elif parts[0] == "fc":
            place = "classifier.1"
        else:
            stage, block, part = int(parts[0][-1]) - 1, parts[1], parts[2]
            if part == "downsample":
                inner = "shortcut." + ("convolution" if parts[3] == "0" else "normalization")
            else:
                inner = f"layer.{int(part[-1]) - 1}." + ("convolution" if part[:-1] == "conv" else "normalization")
            place = f"resnet.encoder.stages.{stage}.layers.{block}.{inner}"
        new[f"{place}.{leaf}"] = value.contiguous()
    return new


def save_timm(net: nn.Module, name: str, out: Path, accuracy: float) -> None:
    """Save timm's own training checkpoint and its Hugging Face folder."""
    args = argparse.Namespace(model=name, num_classes=3, img_size=224, class_map="", data_dir="leaves")
    optimizer = torch.optim.AdamW(net.parameters())
    CheckpointSaver(net, optimizer, args, checkpoint_dir=str(out)).save_checkpoint(epoch=3, metric=100 * accuracy)
    save_for_hf(net, out / "timm-folder", model_config={"label_names": list(CROPS), "num_classes": len(CROPS)})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--network", choices=("resnet18", "timm"), default="resnet18")
    parser.add_argument("--scale", type=float, default=1.0)
    choices = parser.parse_args()
    warnings.simplefilter("ignore")
    out: Path = choices.out
    if not (out / "pictures").is_dir():
        write_pictures(choices.data, out / "pictures")
    torch.manual_seed(0)
    name = "resnet18" if choices.network == "resnet18" else random.Random(14).choice(SMALL)
    net = resnet18(num_classes=3) if choices.network == "resnet18" else timm.create_model(name, num_classes=3)
    began = time.perf_counter()
    train(net.to(memory_format=torch.channels_last), out / "pictures", choices.scale)
    seconds = time.perf_counter() - began
    if choices.network == "resnet18":
        save_resnet(net, out)
    found = accuracies(net, out / "pictures")
    if choices.network == "timm":
        save_timm(net, name, out, found["224"])
    report = {"network": name, "seconds": round(seconds), "accuracy": found, "validation": 3 * VALIDATION}
    (out / f"report-{choices.network}.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
