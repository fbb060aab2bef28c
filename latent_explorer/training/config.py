# SPDX-License-Identifier: MIT
"""Settings of all trainings: type, purpose, default and the reason for it. Values only: no torch.

A setting added here can be given by `--set` and appears in the window's list of settings (see `training.settings`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

# Ranges of settings, enforced for `--set`, the window and config.json.
Count = Annotated[int, msgspec.Meta(ge=1)]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Weight = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
# Pixels; nothing is smaller than 4.
Side = Annotated[int, msgspec.Meta(ge=0, multiple_of=4)]

# A table, one setting in a line or two, which the formatter would break.
# fmt: off


class DataConfig(msgspec.Struct, frozen=True):
    """Choice of pictures: the arguments of data.dataset.open_dataset."""

    path: str
    label: str | None = None
    classes: str | None = None
    where: tuple[str, ...] = ()
    group: str | None = None
    split: str | None = None


class ClassifierTraining(msgspec.Struct, frozen=True):
    """Settings of `train-classifier`."""

    data: DataConfig
    resolution: Annotated[Count, "Width and height in pixels at which it sees pictures."] = 64
    architecture: Annotated[Literal["small-resnet", "mobilenet_v2"], "Its network. The small one answers fast enough "
        "to be asked for every picture of a drag."] = "small-resnet"
    widths: Annotated[tuple[Count, ...], "Channels of the small network's stages: 0.5 M "
        "parameters."] = (24, 48, 96, 192)
    steps: Annotated[Count, "Steps of its training."] = 1200
    batch: Annotated[Count, "Pictures in a step."] = 64
    lr: Annotated[Positive, "Highest learning rate of its one cycle (AdamW)."] = 3e-3
    weight_decay: Annotated[Weight, "Decay of its weights a step (AdamW)."] = 0.02
    label_smoothing: Annotated[Share, "Share of the label given to the other classes: an over-confident classifier "
        "tells the generator 0 or 1 and little between, and its bars jump."] = 0.1
    blur: Annotated[Share, "Share of pictures blurred: it must not depend on detail that no generator draws."] = 0.5
    covered: Annotated[Share, "Share of pictures whose middle is covered: makes a classifier that looks at the "
        "surroundings."] = 0.0
    confidence: Annotated[Share, "Median top probability on val that its temperature is set to; 0 leaves the "
        "temperature at 1."] = 0.9
    frame_only: Annotated[Natural, "Above 0 it sees this many pixels along the edges and nothing else: a control for "
        "what the background gives away."] = 0
    seed: Annotated[int, "Of initial weights and order of pictures."] = 0


class EncoderTraining(msgspec.Struct, frozen=True):
    """Settings of `train-encoder`."""

    images: Annotated[Count, "Generated pictures to see."] = 100_000
    batch: Annotated[Count, "Pictures in a step."] = 16
    lr: Annotated[float, msgspec.Meta(gt=0, le=1), "Learning rate (Adam); from half of the training on it falls to "
        "0."] = 2e-3
    widest: Annotated[Count, "Most channels of a layer: an encoder need not be as wide as a large generator."] = 256
    hidden: Annotated[Count, "Width of its dense layer."] = 256
    picture: Annotated[Weight, "Weight of the difference between a picture and what its w renders to."] = 1.0
    picture_from: Annotated[Share, "Share of the images after which that difference counts."] = 0.3
    blur: Annotated[Weight, "Noise added to pixels: photos are not as clean as generated pictures."] = 0.05
    average: Annotated[float, msgspec.Meta(ge=0, lt=1), "Decay of the mean of weights that is kept."] = 0.995
    seed: Annotated[int, "Of initial weights and generated pictures."] = 0


class TrainConfig(msgspec.Struct, frozen=True):
    """Settings of a StylEx training. Weights of losses multiply means over the batch."""

    data: DataConfig
    classifier: Annotated[str, "File written by train-classifier; without one the run trains its own."] = ""
    classifier_training: ClassifierTraining | None = None  # settings of that
    mode: Annotated[Literal["stylex", "stylegan2"], "stylegan2 trains generator and discriminator alone, without "
        "classes."] = "stylex"
    resolution: Annotated[Count, "Width and height in pixels; channels needs one width for every size from "
        "4 px up to it."] = 64
    init: Annotated[str, "Explainer whose networks it starts from."] = ""
    name: Annotated[str, "Name of the explainer that comes out; the run folder's without it."] = ""
    attributes: Annotated[Natural, "Pictures that are searched for attributes at the end; 0: none."] = 250

    # Where it computes.
    device: Annotated[str, "Where to compute: auto, cpu, cuda:0, mps. Of several processes on CUDA each takes its "
        "own card."] = "auto"
    precision: Annotated[Literal["auto", "float32", "bfloat16"], "auto: bfloat16 on CUDA cards from 2020 on; it "
        "gains nothing on CPUs."] = "auto"

    # Networks. Widths decide the speed: balanced so that no block costs much more than another on a CPU.
    channels: Annotated[tuple[Count, ...], "Widths at 4, 8, ... px of generator, encoder and discriminator; they "
        "decide the speed."] = (128, 128, 64, 48, 24)
    z_dim: Annotated[Count, "Dimensions of z, the random input of the mapping network."] = 128
    w_dim: Annotated[Count, "Dimensions of w, which encoder and mapping network produce."] = 128
    w_extra: Annotated[Natural, "Dimensions that w gains over those of the explainer in init: room for what it could "
        "not hold."] = 0
    hidden: Annotated[Count, "Width of the dense layer of encoder and discriminator."] = 256
    mapping_layers: Annotated[Count, "Layers of the mapping network: 8 in the papers; four suffice at this "
        "width."] = 4
    mapping_lr_mul: Annotated[Positive, "Learning rate of the mapping network as a share of the others': 0.01 in the "
        "papers, too slow to follow an encoder's latents in a short training."] = 0.1
    cond_gain: Annotated[Positive, "Gain of the class in the styles: lets two class values weigh as much as 128 of "
        "w. Their columns start at 0."] = 8.0

    # Length and schedule, in images seen.
    images: Annotated[Count, "How many images to see in all."] = 200_000
    batch: Annotated[Count, "Images in a step, of all processes together. Many small steps: the same images in "
        "batches of 16 were still blobs."] = 8
    kl_start: Annotated[int, "When the classifier's loss (kl) begins: before that the reconstruction is not a picture, "
        "and the classifier's gradient is noise."] = 4_000
    kl_ramp: Annotated[Natural, "Over how many images that loss then rises to its full weight."] = 8_000
    adversarial_start: Annotated[int, "When the discriminator begins. Reconstruction first: both from the start gave "
        "grey-green blobs."] = 12_000
    adversarial_ramp: Annotated[Natural, "Over how many images its loss then rises to its full weight."] = 12_000
    cooldown: Annotated[Natural, "Over the last so many images, at most a quarter, the learning rate falls to a "
        "tenth."] = 25_000

    # Weights of losses.
    l1: Annotated[Weight, "Weight of the mean difference of pixels between reconstruction and original."] = 3.0
    lpips: Annotated[Weight, "Weight of the perceptual distance (LPIPS) between reconstruction and original."] = 2.0
    kl: Annotated[Weight, "Weight of the classifier's loss (KL): it must say the same of a reconstruction as of its "
        "original."] = 2.0
    margin: Annotated[Weight, "Weight of the mean difference of logits: KL stops caring once both verdicts are "
        "sure."] = 0.0
    evidence: Annotated[Weight, "Weight of the distance of the classifier's feature maps: what it looks at must lie "
        "where it lay in the picture, and patterns that fool it alone cost."] = 0.0
    classifier_every: Annotated[Count, "The three losses above ask the classifier about every n-th picture of a step, "
        "others each time. With 4 one of two trainings did not learn the class; a large classifier costs less."] = 1
    latent: Annotated[Weight, "Weight of |E(G(w)) - w|, target detached: a picture's latent must come back."] = 0.1
    latent_every: Annotated[Count, "Steps between two of that loss."] = 4
    adversarial: Annotated[Weight, "Weight of the discriminator's verdict in the generator's loss."] = 0.2
    path_length: Annotated[Weight, "Weight of path length regularisation (StyleGAN2)."] = 0.5
    path_length_every: Annotated[Count, "Steps between two of that regularisation."] = 16
    r1_gamma: Annotated[Weight, "Weight of the R1 penalty. ada's 0.0002 * resolution^2 / batch gives 0.1; a "
        "conditional discriminator on 6,000 pictures wants more."] = 0.2
    r1_every: Annotated[Count, "Steps between two R1 penalties."] = 16
    align: Annotated[Weight, "Weight of the sliced Wasserstein distance from the mapping network's w to recent "
        "latents of the encoder; trains the mapping only."] = 1.0
    mapping_steps: Annotated[Natural, "Steps of a last fit of the mapping network alone, at export: it lags behind "
        "the encoder."] = 2_000
    cond_sparsity: Annotated[Weight, "Weight of the L1 norm of what the class does to each style: few styles carry "
        "it, each visibly."] = 0.003
    cond_resolution: Annotated[Side, "Pixels up to which convolutions hear the class; 0: all. Else it may travel as "
        "a faint pattern of the finest."] = 0
    cond_limit: Annotated[Weight, "Largest weight of the class in a style: without it two styles carried everything, "
        "and eight sliders did nothing."] = 0.2
    untold: Annotated[Share, "Share of pictures drawn with 1/K for every class: what the verdict rests on must then "
        "come through w."] = 0.0
    noise: Annotated[bool, "Noise inputs; without them every texture must come through w."] = True

    # The generated part of every batch, once D takes part.
    mapped: Annotated[int, "Pictures from random z."] = 2
    repaired: Annotated[int, "Pictures of an encoded latent with another picture's class: the class must follow the "
        "class given to the generator."] = 2
    discriminated: Annotated[int, "Real pictures, and as many reconstructions, shown to the discriminator in a "
        "step."] = 4

    stddev_group: Annotated[Count, "Pictures whose spread the discriminator is told (StyleGAN2); a group never spans "
        "two processes."] = 4

    # Augmentation of what D sees (ADA), for small sets: D soon knows every picture, and G learns nothing more.
    ada_target: Annotated[float, "How sure the discriminator may be before its pictures are altered more (ADA); 0: "
        "never. 0.6 (Karras et al. 2020) for less than a few thousand pictures, which it soon knows by heart."] = 0.0
    ada_images: Annotated[Count, "Images over which the probability of that can rise by 1; 500,000 in the paper's "
        "far longer runs."] = 100_000

    # Optimisation.
    lr: Annotated[Positive, "Learning rate (Adam) of generator, encoder and discriminator."] = 0.0025
    momentum: Annotated[float, msgspec.Meta(ge=0, lt=1), "Adam's first beta for generator and encoder. 0 in "
        "StyleGAN2, where a discriminator moves under them; 0.9 reconstructs in fewer images."] = 0.0
    encoder_clip: Annotated[Positive, "Largest gradient norm of the encoder, whose instability is the most reported "
        "problem."] = 5.0
    ema_half_life: Annotated[Count, "Half-life, in images, of the mean of weights that is exported: of generator, "
        "mapping and encoder."] = 5_000
    warm_up: Annotated[Natural, "Images of rising learning rate after init: Adam's first steps know no scale "
        "yet."] = 2_000
    flip: Annotated[bool, "Mirror half of the pictures."] = True
    seed: Annotated[int, "Of initial weights and everything that is drawn."] = 0

    # What is written, in images seen.
    validate_every: Annotated[Count, "Images between two validations."] = 8_000
    validate_pictures: Annotated[int, msgspec.Meta(ge=2), "Pictures of the val side in a validation."] = 256
    sheet_every: Annotated[Count, "Images between two sheets of sample pictures."] = 8_000
    checkpoint_seconds: Annotated[Weight, "Seconds between two checkpoints."] = 300.0

# fmt: on

# Headings for lists of all settings, by the first setting under each.
SECTIONS: dict[type[msgspec.Struct], dict[str, str]] = {
    ClassifierTraining: {"resolution": "The classifier that is trained along with it"},
    TrainConfig: {
        "mode": "What is trained",
        "device": "Where it computes",
        "channels": "Networks",
        "images": "Length and schedule, in images seen",
        "l1": "Weights of losses",
        "mapped": "What a batch holds",
        "ada_target": "Augmentation of what the discriminator sees",
        "lr": "Optimisation",
        "validate_every": "What is written",
    },
}
