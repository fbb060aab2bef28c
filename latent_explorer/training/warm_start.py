# SPDX-License-Identifier: MIT
"""Copying of an explainer's networks into those of a training that starts from it: `train --init`.

Layers keep their effective weights: those stored depend on fan-in and learning-rate multiplier of equalised layers,
which widening changes. A training at a higher resolution grows them: the generator first draws what it drew before,
enlarged; encoder and discriminator get a new first block. A wider w holds what it held, and more that the generator
does not hear at first. Which networks there are is `training.networks`' business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import torch
import torch.nn.functional as F

from latent_explorer.common.errors import UserError
from latent_explorer.models import explainer_file
from latent_explorer.models.discriminator import Encoder
from latent_explorer.models.ops import EqualizedLinear
from latent_explorer.models.stylegan2 import ModulatedLayer

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
    from latent_explorer.models.discriminator import Trunk
    from latent_explorer.models.ops import EqualizedConv
    from latent_explorer.models.stylegan2 import Generator
    from latent_explorer.training.config import TrainConfig

C = TypeVar("C", "GeneratorConfig", "TrunkConfig")

_SIZES = ("z_dim", "w_dim", "mapping_layers")


def with_sizes_of(config: TrainConfig, file: Path) -> TrainConfig:
    """Return the settings with widths and dimensions of the explainer that the training starts from.

    The file's sizes replace a preset's, because the networks must fit; but a higher resolution is kept, with the
    settings' widths for the blocks that are added. A classifier at the training's resolution gets the new one, too.
    Raises UserError if the file is not an explainer, or holds other networks than StyleGAN2's.
    """
    header = explainer_file.info(file).header
    if header.of_lucidrains:
        raise UserError(
            f"{file} holds networks of lucidrains' program, which are explored here but not trained. Start from an "
            "explainer of this program, or from nothing."
        )
    generator, trunk = header.generator, header.encoder or header.discriminator
    sizes: dict[str, Any] = {name: getattr(generator, name) for name in _SIZES}
    sizes["w_dim"] += config.w_extra
    sizes["resolution"] = max(generator.resolution, config.resolution)
    sizes["channels"] = (*generator.channels, *config.channels[len(generator.channels) :])
    if trunk is not None:
        sizes["hidden"] = trunk.hidden
    classifier = config.classifier_training
    if classifier is not None and classifier.resolution == config.resolution:
        classifier = msgspec.structs.replace(classifier, resolution=sizes["resolution"])
    return msgspec.structs.replace(config, classifier_training=classifier, **sizes)


@torch.no_grad()
def copy_generator(target: Generator, source: Generator) -> str:
    """Copy mapping and synthesis. Returns a sentence on what was copied. Raises UserError if shapes differ.

    Columns for `cond` are copied if both have the same number of classes; else they stay zero, as in a new generator.
    Those of toRGB are always zero (see Networks).
    """
    old, new = source.config, target.config
    if _shape(old) != _shape(_narrowed(_shrunk(new, old), old)):
        raise UserError(
            f"The explainer to start from has {_shape(old)}; this training asks for {_shape(new)}. "
            "Give the training the explainer's numbers (channels, z_dim, w_dim, mapping_layers), or start without it."
        )
    affines = {f"synthesis.{layer.name}.affine" for layer in old.layout.layers}
    dense = affines | {f"mapping.fc{i}" for i in range(new.mapping_layers)}
    state = source.state_dict()
    others = {name: t for name, t in state.items() if name.rpartition(".")[0] not in dense}
    center = "mapping.w_avg"
    others[center] = F.pad(others[center], (0, new.w_dim - old.w_dim))
    target.load_state_dict(others, strict=False)
    for name in dense:
        to, of = target.get_submodule(name), source.get_submodule(name)
        assert isinstance(to, EqualizedLinear)
        assert isinstance(of, EqualizedLinear)
        _copy_dense(to, of, old.w_dim if name in affines else of.weight.shape[1])
        if name in affines:
            to.weight[:, old.w_dim : new.w_dim] = 0
        elif to.weight.shape[1] > of.weight.shape[1]:  # a mapping layer after the first
            to.weight[: len(of.weight), of.weight.shape[1] :] = 0
    added = _added(new, old)
    for size in added:
        target.synthesis.layer(f"b{size}.torgb").weight.zero_()  # it adds nothing at first
    grown = f", grown from {old.resolution} px" if added else ""
    taken = f"Generator and mapping network are taken{grown}"
    if not new.num_classes:
        return f"{taken}."
    if old.num_classes != new.num_classes:
        known = f"knew {old.num_classes} classes" if old.num_classes else "knew no classes"
        return f"{taken}; it {known}, so what it is told of them starts at nothing."
    for layer in old.layout.conv_layers:
        to, of = (x.synthesis.layer(layer.name).affine for x in (target, source))
        gain = of.weight_gain * old.cond_gain / (to.weight_gain * new.cond_gain)
        to.weight[:, new.w_dim :] = of.weight[:, old.w_dim :] * gain
    return f"{taken}, and what they were told of the classes."


@torch.no_grad()
def forget_told(generator: Generator) -> str:
    """Let the generator draw whatever it is told as if it were told the same of every class; returns a sentence."""
    w_dim = generator.config.w_dim
    for layer in generator.synthesis.layout.layers:
        affine = generator.synthesis.layer(layer.name).affine
        told = affine.weight[:, w_dim:].mean(dim=1) * generator.config.cond_gain
        affine.bias.add_(told * (affine.weight_gain / affine.bias_gain))
        affine.weight[:, w_dim:] = 0
    return "The generator is told no class any more."


@torch.no_grad()
def forget_noise(generator: Generator) -> str:
    """Give the noise inputs no strength: a training without them would never touch it. Returns a sentence."""
    for module in generator.synthesis.modules():
        if isinstance(module, ModulatedLayer):
            module.noise_strength.zero_()
    return "Its noise inputs have no strength any more."


@torch.no_grad()
def copy_trunk(target: Trunk, source: Trunk, name: str) -> None:
    """Copy all but the last layer. Raises UserError, which calls the source `name` ("encoder"), if shapes differ.

    If the source is for smaller pictures, the first layer and the blocks that are added start anew. A discriminator's
    extra input channel, for minibatch statistics, is not copied to an encoder.
    """
    old, new = source.config, target.config
    if _trunk_shape(old) != _trunk_shape(_shrunk(new, old)):
        raise UserError(
            f"The explainer's {name} has {_trunk_shape(old)}; this training asks for {_trunk_shape(new)}. "
            "Give the training the explainer's numbers (channels, hidden), or start without it."
        )
    added = len(_added(new, old))
    if not added:
        target.from_rgb.load_state_dict(source.from_rgb.state_dict())
    for to, of in zip(target.blocks[added:], source.blocks, strict=True):
        to.load_state_dict(of.state_dict())
    target.dense.load_state_dict(source.dense.state_dict())
    target.conv.load_state_dict({"bias": source.conv.bias}, strict=False)
    _copy_conv(target.conv, source.conv)


@torch.no_grad()
def copy_outputs(target: Trunk, source: Trunk) -> bool:
    """Copy the last layer; a single output becomes one for every class. False where there are other outputs.

    An encoder's further outputs, of a wider w, stay as they are in a new one.
    """
    old, new = source.config.outputs, target.config.outputs
    if old != new and old != 1 and not (isinstance(target, Encoder) and old < new):
        return False
    for to, of in zip(target.out.parameters(), source.out.parameters(), strict=True):
        if old == 1:
            to.copy_(of.expand_as(to))
        else:
            to[:old] = of
    return True


def _copy_dense(target: EqualizedLinear, source: EqualizedLinear, inputs: int) -> None:
    """Copy the bias and the weights of the first `inputs`; columns of further inputs stay as they are."""
    gain = source.weight_gain / target.weight_gain
    rows = len(source.weight)
    target.weight[:rows, :inputs] = source.weight[:, :inputs] * gain
    target.bias[:rows] = source.bias * (source.bias_gain / target.bias_gain)


def _copy_conv(target: EqualizedConv, source: EqualizedConv) -> None:
    """Copy the input channels that both have; others start at zero."""
    shared = min(target.weight.shape[1], source.weight.shape[1])
    gain = source.weight_gain / target.weight_gain
    target.weight.zero_()
    target.weight[:, :shared] = source.weight[:, :shared] * gain


def _added(new: C, old: C) -> list[int]:
    """Return the resolutions (px) of the blocks that `new` has beyond `old`."""
    return [4 << k for k in range(len(old.channels), len(new.channels))]


def _shrunk(new: C, old: C) -> C:
    """Return `new` without the blocks that it has beyond `old`."""
    return msgspec.structs.replace(new, channels=new.channels[: len(old.channels)])


def _narrowed(new: GeneratorConfig, old: GeneratorConfig) -> GeneratorConfig:
    """`new` with the w of `old` where its own is wider."""
    return msgspec.structs.replace(new, w_dim=min(new.w_dim, old.w_dim))


def _shape(config: GeneratorConfig) -> str:
    condition = f", a condition of {config.c_dim}" if config.c_dim else ""
    return (
        f"{config.resolution} px with widths {', '.join(map(str, config.channels))}, z of {config.z_dim}, "
        f"w of {config.w_dim} and {config.mapping_layers} mapping layers{condition}"
    )


def _trunk_shape(config: TrunkConfig) -> str:
    return (
        f"{config.resolution} px with widths {', '.join(map(str, config.channels))} and a dense layer of "
        f"{config.hidden}"
    )
