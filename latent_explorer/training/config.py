# SPDX-License-Identifier: MIT
"""Every setting of a training, with its default's reason beside it. Values only: no torch."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

# What a setting may be; `--set` and config.json are held to it.
Count = Annotated[int, msgspec.Meta(ge=1)]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Weight = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Side = Annotated[int, msgspec.Meta(ge=0, multiple_of=4)]  # px; nothing is smaller than 4

# A table, one setting and its reason a line, which the formatter would break.
# fmt: off


class DataConfig(msgspec.Struct, frozen=True):
    """Which pictures; the arguments of data.folder.open_dataset."""

    path: str
    label: str | None = None
    classes: str | None = None
    where: tuple[str, ...] = ()
    group: str | None = None
    split: str | None = None


class ClassifierTraining(msgspec.Struct, frozen=True):
    """Settings of `train-classifier`."""

    data: DataConfig
    resolution: Count = 64  # px at which it sees pictures
    architecture: str = "small-resnet"
    widths: tuple[Count, ...] = (24, 48, 96, 192)  # 0.5 M parameters, fast enough to be asked for every picture of a drag
    steps: Count = 1200
    batch: Count = 64
    lr: Positive = 3e-3
    weight_decay: Weight = 0.02
    label_smoothing: Share = 0.1  # an over-confident classifier makes a binary `cond` and bars that jump
    blur: Share = 0.5  # share of pictures blurred: it must not hang on detail that no generator draws
    covered: Share = 0.0  # share of pictures whose middle is covered: a classifier that learns to look around its object
    confidence: Share = 0.9  # median top probability on val that the temperature is set to; 0 leaves it at 1
    frame_only: Natural = 0  # > 0: it sees the outer so many pixels alone, the control for what the background gives away
    seed: int = 0


class TrainConfig(msgspec.Struct, frozen=True):
    """Settings of a StylEx training. Weights of losses multiply means over the batch."""

    data: DataConfig
    classifier: str = ""  # file written by train-classifier; "": the run trains one itself
    classifier_training: ClassifierTraining | None = None  # how
    mode: Literal["stylex", "stylegan2"] = "stylex"  # stylegan2: generator and discriminator alone, without classes
    resolution: Count = 64
    init: str = ""  # explainer whose networks it starts from
    name: str = ""  # of the explainer that comes out; the run folder's without it
    attributes: Natural = 250  # pictures that are searched for attributes at the end; 0: none

    # Where it computes.
    device: str = "auto"  # as in the menu of the window; of several processes on CUDA each takes its own card
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # bfloat16 on CUDA cards from 2020 on; no gain on CPUs

    # Networks. Widths decide the speed: balanced so that no block costs much more than another on a CPU.
    channels: tuple[Count, ...] = (128, 128, 64, 48, 24)  # at 4, 8, ... px, of generator, encoder and discriminator
    z_dim: Count = 128
    w_dim: Count = 128
    hidden: Count = 256  # dense layer of encoder and discriminator
    mapping_layers: Count = 4  # 8 in the papers; four suffice at this width
    mapping_lr_mul: Positive = 0.1  # 0.01 in the papers, too slow to follow an encoder's latents in a short training
    cond_gain: Positive = 8.0  # lets two class values weigh as much as 128 of w; their columns start at 0

    # Length and schedule, in images seen.
    images: Count = 200_000
    batch: Count = 8  # of all processes together. Many small steps: the same images in batches of 16 were still blobs
    kl_start: int = 4_000  # before that the reconstruction is no picture, and the classifier's gradient is noise
    kl_ramp: Natural = 8_000
    adversarial_start: int = 12_000  # reconstruction first: both from the start gave grey-green blobs
    adversarial_ramp: Natural = 12_000
    cooldown: Natural = 25_000  # over the last so many (at most a quarter) the learning rate falls to a tenth

    # Weights of losses.
    l1: Weight = 3.0
    lpips: Weight = 2.0
    kl: Weight = 2.0  # the classifier must say the same of the reconstruction
    latent: Weight = 0.1  # |E(G(w)) - w|, target detached (B.6 of the reference)
    latent_every: Count = 4
    adversarial: Weight = 0.2
    path_length: Weight = 0.5
    path_length_every: Count = 16
    r1_gamma: Weight = 0.2  # ada's 0.0002 * res^2 / batch gives 0.1; a conditional D on 6,000 pictures wants more
    r1_every: Count = 16
    align: Weight = 1.0  # sliced Wasserstein, mapping's w to recent encoder latents; trains the mapping only
    mapping_steps: Natural = 2_000  # of a last fit of the mapping alone, at export: it lags behind the encoder
    cond_sparsity: Weight = 0.003  # L1 on what `cond` does to each style: few carry the class, each visibly
    cond_resolution: Side = 0  # px up to which convolutions hear the class; 0: all. Else it may travel as a faint pattern of the finest
    cond_limit: Weight = 0.2  # largest such weight: without it two carried everything, and eight sliders did nothing

    # The generated part of every batch, once D takes part.
    mapped: int = 2  # from z
    repaired: int = 2  # an encoded latent with another picture's cond: the class must follow what G is told
    discriminated: int = 4  # real pictures and reconstructions shown to D in a step (each)

    stddev_group: Count = 4  # pictures whose spread D is told (StyleGAN2); a group never spans two processes

    # Augmentation of what D sees (ADA), for small sets: D soon knows every picture, and G learns nothing more.
    ada_target: float = 0.0  # 0: none. 0.6 (Karras et al. 2020) for less than a few thousand pictures
    ada_images: Count = 100_000  # over which its probability can rise by 1; 500,000 in the paper's far longer runs

    # Optimisation.
    lr: Positive = 0.0025
    encoder_clip: Positive = 5.0  # gradient norm; encoder instability is the most reported problem
    ema_half_life: Count = 5_000  # images; of generator, mapping and encoder
    warm_up: Natural = 2_000  # images of rising learning rate after `init`: Adam's first steps know no scale yet
    flip: bool = True  # mirror half of the pictures
    seed: int = 0

    # What is written, in images seen.
    validate_every: Count = 8_000
    validate_pictures: Annotated[int, msgspec.Meta(ge=2)] = 256
    sheet_every: Count = 8_000
    checkpoint_seconds: Weight = 300.0
