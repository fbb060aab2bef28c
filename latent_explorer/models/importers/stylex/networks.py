# SPDX-License-Identifier: MIT
"""Networks of the StylEx that Google released, from the variables of its SavedModels.

Names and layout are those of Lang et al.'s TensorFlow code: kernels are (height, width, in, out), dense weights
(in, out), biases have dimensions of 1, the styles' bias is stored less one, and the kernels of upsampling convolutions
are turned by 180 degrees. Sizes are read off the shapes.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import torch
from torch import Tensor

from latent_explorer.models.architecture import TrunkConfig
from latent_explorer.models.discriminator import Discriminator, Encoder
from latent_explorer.models.importers.generators.assemble import (
    State,
    assemble,
    assemble_generator,
    check_widths,
    refused,
    shape_of,
)
from latent_explorer.models.importers.generators.nvidia import config_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from latent_explorer.models.importers.saved_model.variables import StoredVariable, Variables
    from latent_explorer.models.stylegan2 import Generator

KIND = "StylEx (Google)"
_W_AVG = "mapping.w_avg"
_CONST = "synthesis.b4.const"


class _Place(NamedTuple):
    """Pattern of a variable's name behind its scopes, its name here, and the change of its numbers."""

    source: str
    target: str
    change: Callable[[Tensor, str], Tensor]


def generator_of(variables: Variables) -> Generator:
    """Return the generator of a SavedModel. Raises UserError for another network, DamagedData for a damaged file."""
    state = _state(variables, _GENERATOR, r"generator_(synthesis|style_calculator|mapping)/", _generator_name)
    for name in (_W_AVG, _CONST):
        if name not in state:
            raise refused(KIND, f"{_SOURCES[name]} is missing")
    config = config_of(state, kind=KIND)
    w_dim = shape_of(state, _W_AVG, 1, KIND)[0]
    classes = config.w_dim - w_dim  # what the affines take beyond w
    if classes < 0:
        raise refused(KIND, f"its styles are made of {config.w_dim} numbers, fewer than the {w_dim} of w")
    return assemble_generator(msgspec.structs.replace(config, w_dim=w_dim, num_classes=classes), state, KIND)


def encoder_of(variables: Variables) -> Encoder:
    """Return the encoder of a SavedModel. Raises as `generator_of` does."""
    config, state = _trunk(variables)
    if config.minibatch_stddev:
        raise refused(KIND, "its encoder has statistics over the batch, as a discriminator")
    return assemble(Encoder, config, state, KIND)


def discriminator_of(variables: Variables) -> Discriminator:
    """Return the discriminator of a SavedModel. Raises as `generator_of` does."""
    config, state = _trunk(variables)
    return assemble(Discriminator, config, state, KIND)


def _trunk(variables: Variables) -> tuple[TrunkConfig, State]:
    """Return shape and tensors of an encoder or discriminator."""
    sizes = [int(match[2]) for name in variables.by_name if (match := re.match(r"(.*/)?\w*Block([0-9]{1,4})x", name))]
    sizes = sorted(set(sizes))
    if not sizes or sizes != [8 << k for k in range(len(sizes))]:
        raise refused(KIND, f"it has blocks for {sizes} px")

    def position(name: str) -> str:  # blocks are numbered from the full resolution down
        size = re.search(r"\{([0-9]+)\}", name)
        return name if size is None else name.replace(size[0], str(_log2(sizes[-1]) - _log2(int(size[1]))))

    state = _state(variables, _TRUNK, r"(Encoder|Discriminator|FromRGB|Dense|Conv)\w*", position)
    channels = [shape_of(state, f"blocks.{i}.conv0.weight", 4, KIND)[0] for i in reversed(range(len(sizes)))]
    last = shape_of(state, "conv.weight", 4, KIND)
    hidden, outputs = (shape_of(state, f"{name}.weight", 2, KIND)[0] for name in ("dense", "out"))
    check_widths((*channels, last[0], hidden, outputs), KIND)
    stddev = last[1] == last[0] + 1
    return TrunkConfig((last[0], *channels), outputs, hidden, minibatch_stddev=stddev), state


def _state(variables: Variables, places: list[_Place], own: str, rename: Callable[[str], str]) -> dict[str, Tensor]:
    """Return the variables under the names here. One that is not known, but is of the network (`own`), is refused."""
    state: dict[str, Tensor] = {}
    for name, stored in variables.by_name.items():
        found = _found(name, places)
        if found is None:
            if re.search(rf"(^|/)({own})", name) and _is_weight(stored):
                raise refused(KIND, f"it holds {name}, which is not known here")
            continue
        target, change = found
        target = rename(target)
        if target in state:
            raise refused(KIND, f"it holds {name} twice")
        state[target] = change(torch.from_numpy(variables.read(stored)).float(), name)
    return state


def _is_weight(stored: StoredVariable) -> bool:
    """Return False for counters, and for what an optimiser adds."""
    return math.prod(stored.shape) > 1 and "OPTIMIZER" not in stored.key and "/.OPTIMIZER" not in stored.name


def _found(name: str, places: list[_Place]) -> tuple[str, Callable[[Tensor, str], Tensor]] | None:
    for place in places:
        if match := re.fullmatch(rf"(?:.*/)?{place.source}", name):
            return match.expand(place.target), place.change
    return None


def _generator_name(name: str) -> str:
    """Return a name with the resolution in the place of the number of a style or a noise map: "b{style0}" is b8."""
    if match := re.search(r"b\{style([0-9]+)\}", name):
        return name.replace(match[0], f"b{8 << int(match[1])}")
    if match := re.search(r"\{noise([0-9]+)\}", name):  # number 0 is of 4 px, then two for each size
        number = int(match[1])
        layer = "conv1" if number % 2 == 0 else "conv0"
        return name.replace(match[0], f"b{4 << (number + 1) // 2}.{layer}")
    return name


def _log2(size: int) -> int:
    return size.bit_length() - 1


def _kernel(x: Tensor, name: str) -> Tensor:
    return _checked(x, 4, name).permute(3, 2, 0, 1).contiguous()


def _turned_kernel(x: Tensor, name: str) -> Tensor:
    return _kernel(_checked(x, 4, name).flip(0, 1), name)


def _dense(x: Tensor, name: str) -> Tensor:
    return _checked(x, 2, name).t().contiguous()


def _bias(x: Tensor, name: str) -> Tensor:
    """Return a bias without its dimensions of 1."""
    if x.numel() != max(x.shape, default=1):
        raise refused(KIND, f"{name} has the shape {tuple(x.shape)}")
    return x.reshape(-1)


def _style_bias(x: Tensor, name: str) -> Tensor:
    return _bias(x, name) + 1


def _scalar(x: Tensor, name: str) -> Tensor:
    if x.numel() != 1:
        raise refused(KIND, f"{name} has the shape {tuple(x.shape)}")
    return x.reshape(())


def _first(x: Tensor, name: str) -> Tensor:
    return _checked(x, 4, name)[0]


def _map(x: Tensor, name: str) -> Tensor:
    return _checked(x, 4, name)[0, 0]


def _checked(x: Tensor, dims: int, name: str) -> Tensor:
    if x.ndim != dims or x.numel() == 0:
        raise refused(KIND, f"{name} has the shape {tuple(x.shape)}")
    return x


def _layer(source: str, target: str, kernel: Callable[[Tensor, str], Tensor]) -> list[_Place]:
    return [
        _Place(rf"{source}/ModulatedConv2D/weight", rf"{target}.weight", kernel),
        _Place(rf"{source}/FusedBiasAct(?:ivation)?/(?:ToRGB)?BiasAct", rf"{target}.bias", _bias),
        _Place(rf"{source}/NoiseStrength", rf"{target}.noise_strength", _scalar),
    ]


def _style(source: str, target: str) -> list[_Place]:
    source = rf"generator_style_calculator/StyleVector{source}"
    return [
        _Place(rf"{source}/StyleGAN2Dense/weight", rf"{target}.affine.weight", _dense),
        _Place(rf"{source}/FusedBiasAct(?:ivation)?/bias", rf"{target}.affine.bias", _style_bias),
    ]


_SIZE = r"([0-9]{1,4})x[0-9]{1,4}"
_GENERATOR = [
    _Place(r"dlatent_avg", _W_AVG, _bias),
    _Place(r"generator_mapping/Dense[0-9]+/MappingDense_([0-9]{1,2})", r"mapping.fc\1.weight", _dense),
    _Place(r"generator_mapping/DenseBiasAct[0-9]+/MappingBias_([0-9]{1,2})", r"mapping.fc\1.bias", _bias),
    _Place(r"generator_synthesis/ConstBlock4x4/Const4x4", _CONST, _first),
    *_layer(r"generator_synthesis/ConstBlock4x4/GeneratorLayer4x4", "synthesis.b4.conv1", _kernel),
    *_layer(rf"generator_synthesis/GeneratorBlock{_SIZE}/Conv0Up", r"synthesis.b\1.conv0", _turned_kernel),
    *_layer(rf"generator_synthesis/GeneratorBlock{_SIZE}/Conv1", r"synthesis.b\1.conv1", _kernel),
    *_layer(rf"generator_synthesis/ToRGB{_SIZE}", r"synthesis.b\1.torgb", _kernel),
    *_style("Const", "synthesis.b4.conv1"),
    *_style("ConstRGB", "synthesis.b4.torgb"),
    *_style(r"([0-9])_([01])", r"synthesis.b{style\1}.conv\2"),
    *_style(r"RGB([0-9])", r"synthesis.b{style\1}.torgb"),
    _Place(r"Noise([0-9]{1,2})", r"synthesis.{noise\1}.noise_const", _map),
]
_TRUNK = [
    _Place(rf"\w*FromRGB{_SIZE}/\w+/weight", "from_rgb.weight", _kernel),
    _Place(rf"\w*FromRGB{_SIZE}/\w+/FromRGBBias", "from_rgb.bias", _bias),
    _Place(rf"\w*Block{_SIZE}/Conv0/weight", r"blocks.{\1}.conv0.weight", _kernel),
    _Place(rf"\w*Block{_SIZE}/Conv0Bias\w*/BiasAct0", r"blocks.{\1}.conv0.bias", _bias),
    _Place(rf"\w*Block{_SIZE}/Conv1Down/weight", r"blocks.{\1}.conv1.weight", _kernel),
    _Place(rf"\w*Block{_SIZE}/Conv1DownBias\w*/BiasAct1", r"blocks.{\1}.conv1.bias", _bias),
    _Place(rf"\w*Block{_SIZE}/Skip/weight", r"blocks.{\1}.skip.weight", _kernel),
    _Place(r"\w*Conv4x4/weight", "conv.weight", _kernel),
    _Place(r"\w*ConvBiasAct4x4/\w*ConvBiasAct4x4", "conv.bias", _bias),
    _Place(r"\w*Dense4x4/weight", "dense.weight", _dense),
    _Place(r"\w*DenseBiasAct4x4/\w*DenseBiasAct4x4", "dense.bias", _bias),
    _Place(r"style_gan2_dense\w*/weight", "out.weight", _dense),
    _Place(r"\w*OutputBiasAct/\w*OutputBiasAct", "out.bias", _bias),
]
_SOURCES: Mapping[str, str] = {place.target: place.source for place in _GENERATOR}
