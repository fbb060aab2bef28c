# SPDX-License-Identifier: MIT
"""Write state dicts of a torchvision and a timm network with two outputs and random weights, for trial.py."""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description="Write two classifiers as people bring them.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    runpy.run_path(str(Path(__file__).parent / "hooks" / "rthook_torchvision.py"))  # see there

    import timm
    import torch
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18(num_classes=2).state_dict(), folder / "torchvision-resnet18.pth")
    torch.save(timm.create_model("regnetx_002", num_classes=2).state_dict(), folder / "timm-regnetx_002.pth")


if __name__ == "__main__":
    main()
