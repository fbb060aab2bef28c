# SPDX-License-Identifier: MIT
"""Import of lucidrains' stylegan2-pytorch, from its version 0.20 on, and of the StylEx built on it.

A plain state dict becomes a Generator, and an encoder.

Its mapping network is StyleGAN2's with other factors, which the weights take over here. The rest keeps its numbers.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from latent_explorer.models.architecture import (
    GeneratorConfig,
    LucidrainsConfig,
    LucidrainsTrunkConfig,
    TrunkConfig,
)
from latent_explorer.models.importers.generators.assemble import State, assemble, assemble_generator, refused, shape_of
from latent_explorer.models.lucidrains import UNIFORM_STD, LucidrainsEncoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from latent_explorer.models.stylegan2 import Generator

KIND, STYLEX = "StyleGAN2 (lucidrains)", "StylEx (on lucidrains' StyleGAN2)"
LR_MUL = 0.1  # of the mapping network, unless its .config.json says another
NETWORKS = {"GE": "G", "SE": "S"}  # the averaged network, which is taken where there is one, and the trained one
PARTS = ("weight", "bias")
ATTENTION = {  # its parts, and their names here
    "0.fn.norm.g": "norm.gain", "0.fn.norm.b": "norm.bias",
    "0.fn.fn.to_q.weight": "attend.query.weight",
    "0.fn.fn.to_kv.net.0.weight": "attend.key_value_depthwise.weight",
    "0.fn.fn.to_kv.net.1.weight": "attend.key_value.weight",
    "0.fn.fn.to_out.weight": "attend.out.weight", "0.fn.fn.to_out.bias": "attend.out.bias",
    "1.fn.norm.g": "norm_mix.gain", "1.fn.norm.b": "norm_mix.bias",
    "1.fn.fn.0.weight": "widen.weight", "1.fn.fn.0.bias": "widen.bias",
    "1.fn.fn.2.weight": "narrow.weight", "1.fn.fn.2.bias": "narrow.bias",
}  # fmt: skip


def can_import(names: Iterable[str]) -> bool:
    """Return True if these are the names of such a generator."""
    return any(name.startswith(("G.blocks.", "GE.blocks.", "G.initial_block")) for name in names)


def wanted(names: Iterable[str]) -> dict[str, str]:
    """Return the names of the generator's tensors in a file by the names that `generator_from_state` takes."""
    names = list(names)
    averaged = any(name.startswith("GE.blocks.") for name in names) and any(
        name.startswith("SE.net.") for name in names
    )
    found = {}
    for name in names:
        network, _, rest = name.partition(".")
        if network in (NETWORKS if averaged else NETWORKS.values()) or network == "encoder":
            found[f"{NETWORKS.get(network, network)}.{rest}"] = name
    return found


def has_encoder(state: State) -> bool:
    """Return True if a StylEx's encoder is among the networks: a discriminator that draws on none of `fq_layers`."""
    names = {f"encoder.{name}.weight" for name in ("blocks.0.conv_res", "final_conv", "fc")}
    return state.keys() >= names and not any(name.startswith("encoder.quantize_blocks.") for name in state)


def encoder_from_state(state: State, *, norm_eps_in_root: bool = True) -> LucidrainsEncoder:
    """Return the encoder of a StylEx from the network `encoder` of a state dict. Raises UserError for others."""
    source = _Source({name: tensor for name, tensor in state.items() if name.startswith("encoder.")})
    blocks = sorted({int(m[1]) for name in state if (m := re.match(r"encoder\.blocks\.([0-9]{1,2})\.", name))})
    attention = sorted({int(m[1]) for name in state if (m := re.match(r"encoder\.attn_blocks\.([0-9]{1,2})\.", name))})
    if blocks != list(range(len(blocks))) or not 4 <= len(blocks) <= 10 or not set(attention) <= set(blocks):
        raise refused(STYLEX, f"its encoder has the blocks {blocks[:20]}, and attention in {attention[:20]}")
    *widths, hidden = (shape_of(state, f"encoder.blocks.{i}.conv_res.weight", 4, STYLEX)[0] for i in blocks)
    outputs = shape_of(state, "encoder.fc.weight", 2, STYLEX)[0]
    options = LucidrainsTrunkConfig(tuple(attention), norm_eps_in_root)
    config = TrunkConfig(tuple(reversed(widths)), outputs, hidden, lucidrains=options)
    names = [("final_conv", "final"), ("fc", "out")]
    for i in blocks:
        ours = f"blocks.{i}"
        for theirs, name in (("conv_res", "skip"), ("net.0", "conv0"), ("net.2", "conv1")):
            names.append((f"{ours}.{theirs}", f"{ours}.{name}"))
        if i < len(widths):
            names.append((f"{ours}.downsample.1", f"{ours}.down"))
            _check_blur(source, f"encoder.{ours}.downsample.0.f")
    tensors = {
        f"{ours}.{part}": source.take(f"encoder.{name}.{part}", 1 if part == "bias" else 2 if name == "fc" else 4)
        for name, ours in names
        for part in PARTS
    }
    for i in attention:
        tensors |= _attention(source, f"encoder.attn_blocks.{i}", f"blocks.{i}.attention")
    source.check_all_taken()
    return assemble(LucidrainsEncoder, config, tensors, STYLEX)


def generator_from_state(state: State, *, lr_mul: float = LR_MUL, norm_eps_in_root: bool = True) -> Generator:
    """Return the generator of a state dict with the networks `G` and `S`; sizes are read off the shapes.

    `lr_mul` is the mapping's learning-rate multiplier, `norm_eps_in_root` False for attention before version 1.8.8:
    neither leaves a trace in the tensors. The noise map, which the source draws anew for every picture, is drawn from a
    fixed seed; the mean of w is left at 0. Raises UserError for any other network.
    """
    config = _config(state, lr_mul, norm_eps_in_root)
    source = _Source({name: tensor for name, tensor in state.items() if not name.startswith("encoder.")})
    tensors = _mapping(source, config)
    size = config.resolution
    uniform = torch.rand(size, size, generator=torch.Generator().manual_seed(0))
    tensors["synthesis.noise_map"] = (uniform - 0.5) / UNIFORM_STD
    if "G.to_initial_block.weight" in state:
        tensors["synthesis.input.weight"] = source.take("G.to_initial_block.weight", 4)
    else:
        tensors["synthesis.const"] = source.take("G.initial_block", 4)[0]
    for part in PARTS:
        tensors[f"synthesis.initial.{part}"] = source.take(f"G.initial_conv.{part}", 4 if part == "weight" else 1)
    for k in range(len(config.channels)):
        tensors |= _block(source, k)
    source.check_all_taken()
    return assemble_generator(config, tensors, KIND)


class _Source:
    """A state dict that knows what was taken from it."""

    def __init__(self, state: State) -> None:
        self._state, self._left = state, set(state)

    def take(self, name: str, dims: int) -> Tensor:
        shape_of(self._state, name, dims, KIND)
        self._left.discard(name)
        return self._state[name]

    def has(self, name: str) -> bool:
        return name in self._state

    def check_all_taken(self) -> None:
        if self._left:
            raise refused(KIND, f"it holds {min(self._left)[:100]}, which such a generator does not have")


def _config(state: State, lr_mul: float, norm_eps_in_root: bool) -> GeneratorConfig:
    if "G.initial_conv.weight" not in state:
        raise refused(KIND, "it has no G.initial_conv; networks of versions before 0.20 are other networks")
    blocks = sorted({int(m[1]) for name in state if (m := re.match(r"G\.blocks\.([0-9]{1,2})\.", name))})
    if blocks != list(range(len(blocks))) or not 3 <= len(blocks) <= 9:
        raise refused(KIND, f"it has the blocks {blocks[:20]}, not those of 16 to 1024 px")
    layers = sum(bool(re.fullmatch(r"S\.net\.[0-9]{1,2}\.weight", name)) for name in state)
    if not layers:
        raise refused(KIND, "its mapping network S is missing")
    attention = sorted({int(m[1]) for name in state if (m := re.match(r"G\.attns\.([0-9]{1,2})\.", name))})
    if any(f"G.attns.{k}.0.fn.norm.g" not in state for k in attention):
        raise refused(KIND, "its attention is that of versions before 1.8, another network")
    w_dim = shape_of(state, f"S.net.{2 * layers - 2}.weight", 2, KIND)[0]
    latent_dim = shape_of(state, "G.blocks.0.to_style1.weight", 2, KIND)[1]
    if latent_dim < w_dim:
        raise refused(KIND, f"its layers take {latent_dim} numbers, its mapping network makes {w_dim}")
    return GeneratorConfig(
        channels=tuple(shape_of(state, f"G.blocks.{k}.conv2.weight", 4, KIND)[0] for k in blocks),
        z_dim=shape_of(state, "S.net.0.weight", 2, KIND)[1],
        w_dim=w_dim,
        num_classes=latent_dim - w_dim,
        mapping_layers=layers,
        mapping_lr_mul=lr_mul,
        lucidrains=LucidrainsConfig(
            attention=tuple(attention),
            input_from_w="G.to_initial_block.weight" in state,
            transparent=shape_of(state, "G.blocks.0.to_rgb.conv.weight", 4, KIND)[0] == 4,
            rgb_blur="G.blocks.0.to_rgb.upsample.1.f" in state,
            norm_eps_in_root=norm_eps_in_root,
        ),
    )


def _mapping(source: _Source, config: GeneratorConfig) -> dict[str, Tensor]:
    """Return the mapping's tensors.

    The source computes leaky(lr_mul * (W x + b)) from z of length 1, ours sqrt(2) * leaky(lr_mul * (W x / sqrt(fan_in)
    + b)) from z of length sqrt(z_dim). A leaky ReLU passes positive factors on.
    """
    tensors = {"mapping.w_avg": torch.zeros(config.w_dim)}
    for i in range(config.mapping_layers):
        weight = source.take(f"S.net.{2 * i}.weight", 2)
        gain = math.sqrt(weight.shape[1]) if i else 1.0
        tensors[f"mapping.fc{i}.weight"] = weight * (gain / math.sqrt(2))
        tensors[f"mapping.fc{i}.bias"] = source.take(f"S.net.{2 * i}.bias", 1) / math.sqrt(2)
    return tensors


def _block(source: _Source, k: int) -> dict[str, Tensor]:
    tensors = {}
    target, block = f"synthesis.b{4 << k}", f"G.blocks.{k}"
    for number in (1, 2):
        layer = f"{target}.conv{number - 1}"
        strength = source.take(f"{block}.to_noise{number}.weight", 2)[:, 0]
        tensors[f"{layer}.weight"] = source.take(f"{block}.conv{number}.weight", 4)
        # Noise is uniform in [0, 1) there, and of mean 0 and variance 1 here.
        tensors[f"{layer}.noise_strength"] = strength * UNIFORM_STD
        tensors[f"{layer}.bias"] = source.take(f"{block}.to_noise{number}.bias", 1) + 0.5 * strength
        for part in PARTS:
            tensors[f"{layer}.affine.{part}"] = source.take(f"{block}.to_style{number}.{part}", 2 - (part == "bias"))
    tensors[f"{target}.torgb.weight"] = source.take(f"{block}.to_rgb.conv.weight", 4)
    for part in PARTS:
        tensors[f"{target}.torgb.affine.{part}"] = source.take(f"{block}.to_rgb.to_style.{part}", 2 - (part == "bias"))
    _check_blur(source, f"{block}.to_rgb.upsample.1.f")
    if source.has(f"G.attns.{k}.0.fn.norm.g"):
        tensors |= _attention(source, f"G.attns.{k}", f"{target}.attention")
    return tensors


def _attention(source: _Source, place: str, target: str) -> dict[str, Tensor]:
    return {
        f"{target}.{ours}": source.take(f"{place}.{name}", 1 if name.endswith("bias") else 4)
        for name, ours in ATTENTION.items()
    }


def _check_blur(source: _Source, name: str) -> None:
    if source.has(name) and not torch.equal(source.take(name, 1), torch.tensor([1.0, 2.0, 1.0])):
        raise refused(KIND, f"{name} is not the filter 1-2-1")
