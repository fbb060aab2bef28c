# SPDX-License-Identifier: MIT
"""Settings of a projection. No torch: the window and the command line read them before the model."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Space = Literal["w", "w+", "s"]
Start = Literal["auto", "encoder", "mean", "random", "nearest", "average"]
LpipsSize = Literal["auto", "native", "256", "crops"]

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Weight = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0, le=100_000)]


class ProjectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a projection. The defaults were tuned on validation pictures.

    space       "w": one row for all layers; "w+": one for each; "s": the styles themselves, those of toRGB too
    start       "auto": the encoder where there is one, else the average of the nearest samples
    lr          Adam's learning rate, in standard deviations of the variables ("std") or raw, as in NVIDIA's schedule
    lpips       size at which pictures are compared: "native" (its network takes nothing below 64 px), "256" (larger
                pictures are shrunk to it), "crops" (the whole at 256 and a random crop at every octave above), "auto"
                (crops above 256 px; pictures below 96 px enlarged to it, since AlexNet looks at every fourth pixel)
    early_stop  steps without an improvement of 0.1 % after which a picture is done; 0: never
    tuning      steps of pivotal tuning after the latent is found; 0: the generator stays as it is
    """

    space: Space = "w+"
    start: Start = "auto"
    steps: Count = 150
    w_steps: Count = 40  # before them in W, where no encoder gives a start and the space is larger
    lr: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.2
    lr_unit: Literal["std", "raw"] = "std"
    rampup: Share = 0.05  # share of the steps in which the learning rate rises
    rampdown: Share = 0.5  # share of the steps in which it falls to 0, as a cosine
    noise: Literal["keep", "optimise"] = "keep"  # the noise maps
    lpips: LpipsSize = "auto"
    l2: Weight = 1.0  # weight of the mean squared difference of pixels in [-1, 1]
    # Weight of KL(C(target) || C(picture)), as in StylEx's training; with 0 agreement is a check of its own.
    verdict: Weight = 0.05
    check: bool = True  # then search once more without `verdict`, to see whether the picture alone keeps the class
    near_mean: Weight = 0.0  # weight of the mean squared distance from w_avg, in w_std
    spread: Weight = 0.0  # weight of the rows' mean squared distance from their own mean, in w_std
    # Noise on w while it is optimised, in NVIDIA's w_std; gone after 3/4 of the steps.
    w_noise: Weight = 0.0
    noise_regulariser: Weight = 1e5  # against pictures that hide in the optimised noise maps
    keep: Literal["best", "last"] = "best"
    early_stop: Count = 40
    nearest_of: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 500
    nearest_average: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    tuning: Count = 0
    tuning_lr: Annotated[float, msgspec.Meta(gt=0, le=1)] = 3e-4


DEFAULT = ProjectionSettings()

# NVIDIA's published projector (stylegan2-ada-pytorch), with AlexNet's LPIPS where theirs has VGG16's. Its maps start as
# the stored ones, which are as random as those that it draws; the maps it ends with are saved here, and not by it.
NVIDIA_SCHEDULE = ProjectionSettings(
    space="w",
    start="mean",
    steps=1000,
    w_steps=0,
    lr=0.1,
    lr_unit="raw",
    rampup=0.05,
    rampdown=0.25,
    noise="optimise",
    lpips="256",
    l2=0.0,
    verdict=0.0,
    w_noise=0.05,
    keep="last",
    early_stop=0,
)
