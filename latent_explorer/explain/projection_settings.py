# SPDX-License-Identifier: MIT
"""What can be chosen about a projection, as values. No torch: the window and the command line read it before the model."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Space = Literal["w", "w+", "s"]
Start = Literal["auto", "encoder", "mean", "random", "nearest", "average"]
LpipsSize = Literal["auto", "native", "256", "crops"]

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Weight = Annotated[float, msgspec.Meta(ge=0)]


class ProjectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a picture is brought into the generator. The defaults were tuned on validation pictures.

    space       "w" one row for all layers, "w+" a row for each, "s" the styles themselves (toRGB's too)
    start       "auto": the encoder where there is one, else the average of the nearest
    lr          Adam's, on latents in units of w's standard deviation when `scaled`, else raw
    lpips       size at which the distance looks; "auto": native up to 256 px, above it crops
    early_stop  steps without 0.1 % improvement after which a picture is done; 0: never
    tuning      steps of pivotal tuning after the latent is found; 0: the generator stays as it is
    """

    space: Space = "w+"
    start: Start = "auto"
    steps: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 100
    lr: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.1
    rampup: Share = 0.05  # share of the steps in which the learning rate rises
    rampdown: Share = 0.5  # share of the steps in which it falls to 0, as a cosine
    noise: Literal["keep", "optimise"] = "keep"  # the noise maps
    lpips: LpipsSize = "auto"
    l2: Weight = 1.0  # weight of the mean squared difference of pixels in [-1, 1]
    spread: Weight = 0.0  # W+: weight of the rows' mean squared distance from their mean, in w_std
    near_mean: Weight = 0.0  # weight of the mean squared distance from w_avg, in w_std
    w_noise: Weight = 0.0  # of NVIDIA's schedule: noise on w, in w_std, gone after 3/4 of the steps
    noise_regulariser: Weight = 1e5  # against pictures hidden in the noise maps; when optimised
    keep: Literal["best", "last"] = "best"
    early_stop: Annotated[int, msgspec.Meta(ge=0)] = 0
    nearest_of: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    nearest_average: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    mean_of: Annotated[int, msgspec.Meta(ge=2, le=1_000_000)] = 10_000  # samples of "mean"
    seed: int = 0
    tuning: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    tuning_lr: Annotated[float, msgspec.Meta(gt=0, le=1)] = 3e-4


DEFAULT = ProjectionSettings()

# NVIDIA's published projector (stylegan2-ada): section C.1 of its schedule, with AlexNet's LPIPS in VGG's place.
NVIDIA_SCHEDULE = ProjectionSettings(
    space="w",
    start="mean",
    steps=1000,
    lr=0.1,
    rampup=0.05,
    rampdown=0.25,
    noise="optimise",
    lpips="256",
    l2=0.0,
    w_noise=0.05,
    keep="last",
)
