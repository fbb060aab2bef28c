# SPDX-License-Identifier: MIT
"""Input format of a classifier, and the ones that most trainings use. Values only: torch is not imported here."""

from __future__ import annotations

from typing import Any

import msgspec

INTERPOLATIONS = ("bilinear", "bicubic")
CHANNELS = ("rgb", "bgr", "grey")


class Preprocessing(msgspec.Struct, frozen=True):
    """Input format of a classifier, modelled on timm's pretrained configuration."""

    input_size: int  # px, square
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)  # of pictures in [0, 1]; (0, 0, 0) with a std of 1/255: 0 to 255
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    crop: float = 1.0  # share of the side that is kept, from the middle (timm's crop_pct)
    interpolation: str = "bilinear"  # or "bicubic", both antialiased
    channels: str = "rgb"  # or "bgr", or "grey": one channel, as Pillow's "L"


# Preprocessings that trainings use most, as changes of another one.
USUAL: dict[str, dict[str, Any]] = {
    "ImageNet's mean and deviation": {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "channels": "rgb"},
    "-1 to 1": {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "channels": "rgb"},
    "0 to 1": {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "channels": "rgb"},
    "0 to 255": {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255), "channels": "rgb"},
    "blue first, 0 to 255 less the mean (Caffe)": {
        "mean": (0.406, 0.456, 0.485), "std": (1 / 255, 1 / 255, 1 / 255), "channels": "bgr",
    },
}  # fmt: skip


def changed_to(preprocessing: Preprocessing, usual: str) -> Preprocessing:
    """Return the preprocessing with the values of a usual one; a network of grey pictures keeps its one channel."""
    grey = {"channels": "grey"} if preprocessing.channels == "grey" else {}
    return msgspec.structs.replace(preprocessing, **(USUAL[usual] | grey))
