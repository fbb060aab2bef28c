# SPDX-License-Identifier: MIT
"""Import of NVIDIA's TensorFlow StyleGAN2 and StyleGAN2-ADA: the variables of a pickled network become a Generator.

The networks are equal to the PyTorch ones. Kernels are stored (height, width, in, out), dense weights (in, out), the
affines' bias less one, and the kernels of upsampling convolutions turned by 180 degrees.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latent_explorer.common.errors import DamagedData
from latent_explorer.models.importers.generators.assemble import State, refused
from latent_explorer.models.importers.pickle_values import Record

if TYPE_CHECKING:
    from collections.abc import Callable

KIND = "StyleGAN2 (TensorFlow)"
NETWORK = "Network"  # its class is dnnlib.tflib.network.Network, or a copy of it elsewhere
MAX_NETWORKS = 20  # of a file; a generator has two components
MAX_VARIABLES = 50_000
MAX_NAME = 1000  # characters


def find_network(content: Any) -> Record | None:
    """Return the averaged generator of a file: (G, D, Gs), {"Gs": ...} or the network alone. None for other files."""
    if isinstance(content, (list, tuple)) and 2 <= len(content) <= 8:
        found = [each for each in content if _is_network(each)]
        return found[-1] if found else None
    if isinstance(content, dict):
        return next((content[key] for key in ("Gs", "G_ema", "G") if _is_network(content.get(key))), None)
    return content if _is_network(content) else None


def place_of(content: Any, network: Record) -> str:
    """Return the key of a network in a dictionary, "" elsewhere."""
    return next((key for key in content if content[key] is network), "") if isinstance(content, dict) else ""


def _is_network(value: Any) -> bool:
    return isinstance(value, Record) and value.maker.name == NETWORK and "variables" in value.attributes()


def variables(network: Record) -> dict[str, np.ndarray]:
    """Return the variables of a network and of its components: "synthesis/4x4/Const/const". Raises DamagedData."""
    found: dict[str, np.ndarray] = {}
    left = MAX_VARIABLES
    for prefix, each in _networks(network):
        for pair in each.attributes().get("variables") or ():
            left -= 1
            whole = isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str)
            if left < 0 or not whole or len(pair[0]) > MAX_NAME:
                raise DamagedData("the variables of its network are damaged, or too many")
            if isinstance(pair[1], np.ndarray):
                found[prefix + pair[0]] = pair[1]
    return found


def settings(network: Record) -> dict[str, Any]:
    """Return the settings that a network and its components were made with; its own go before theirs."""
    found: dict[str, Any] = {}
    for _prefix, each in reversed(_networks(network)):
        given = _mapping(each.attributes().get("static_kwargs"))
        found |= {name: value for name, value in given.items() if isinstance(name, str)}
    return found


def _networks(network: Record) -> list[tuple[str, Record]]:
    """Return a network and its components, with the prefixes of their names. Raises DamagedData if they have no end."""
    found = [("", network)]
    for prefix, each in found:  # it grows
        for name, part in _mapping(each.attributes().get("components")).items():
            if not _is_network(part):
                continue
            if len(found) == MAX_NETWORKS or not isinstance(name, str) or len(name) > MAX_NAME:
                raise DamagedData("its networks are nested too deeply")
            found.append((f"{prefix}{name}/", part))
    return found


def _mapping(value: Any) -> dict[Any, Any]:
    value = value.attributes() if isinstance(value, Record) else value
    return value if isinstance(value, dict) else {}


def to_state_dict(values: dict[str, np.ndarray], read: Callable[[np.ndarray], np.ndarray]) -> State:
    """Return the variables under the names and in the shapes of NVIDIA's PyTorch network; `read` returns the numbers.

    Raises UserError for StyleGAN1, progressive or residual architectures.
    """
    if any("StyleMod" in name for name in values):
        raise refused(
            KIND, "it is a StyleGAN1, whose styles act in another way; only StyleGAN2 networks can be imported"
        )
    if any(re.search(r"/Skip/|ToRGB_lod", name) for name in values):
        raise refused(KIND, "it has another architecture than 'skip'")
    state: dict[str, torch.Tensor] = {}
    for name, array in values.items():  # one at a time: each is copied
        for source, target, change in _PLACES:
            if match := re.fullmatch(source, name):
                state[match.expand(target)] = change(_tensor(read(array)))
        if match := re.fullmatch(r"synthesis/noise([0-9]{1,2})", name):  # number 0 is of 4 px, then two for each size
            number = int(match[1])
            layer = "conv1" if number % 2 == 0 else "conv0"
            noise = _checked(_tensor(read(array)), 4)[0, 0]
            state[f"synthesis.b{4 << (number + 1) // 2}.{layer}.noise_const"] = noise
    if "synthesis.b4.const" not in state:
        raise refused(KIND, "synthesis/4x4/Const/const is missing")
    return state


def _tensor(numbers: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(numbers, np.float32, order="C"))


def _plain(x: torch.Tensor) -> torch.Tensor:
    return x


def _kernel(x: torch.Tensor) -> torch.Tensor:
    return _checked(x, 4).permute(3, 2, 0, 1).contiguous()


def _turned_kernel(x: torch.Tensor) -> torch.Tensor:
    return _kernel(_checked(x, 4).flip(0, 1))


def _dense(x: torch.Tensor) -> torch.Tensor:
    return _checked(x, 2).t().contiguous()


def _style_bias(x: torch.Tensor) -> torch.Tensor:
    return x + 1


def _first(x: torch.Tensor) -> torch.Tensor:
    return _checked(x, 4)[0]


def _checked(x: torch.Tensor, dims: int) -> torch.Tensor:
    if x.ndim != dims or math.prod(x.shape) == 0:
        raise refused(KIND, f"a variable has the shape {tuple(x.shape)}")
    return x


def _layer(source: str, target: str, kernel: Any) -> list[tuple[str, str, Any]]:
    return [
        (rf"{source}/weight", rf"{target}.weight", kernel),
        (rf"{source}/bias", rf"{target}.bias", _plain),
        (rf"{source}/noise_strength", rf"{target}.noise_strength", _plain),
        (rf"{source}/mod_weight", rf"{target}.affine.weight", _dense),
        (rf"{source}/mod_bias", rf"{target}.affine.bias", _style_bias),
    ]


_SIZE = r"synthesis/([0-9]{1,4})x[0-9]{1,4}"
_PLACES: list[tuple[str, str, Any]] = [
    (r"dlatent_avg", r"mapping.w_avg", _plain),
    (r"mapping/LabelEmbed/weight", r"mapping.embed.weight", _dense),
    (r"mapping/LabelEmbed/bias", r"mapping.embed.bias", _plain),
    (r"mapping/Dense([0-9]{1,2})/weight", r"mapping.fc\1.weight", _dense),
    (r"mapping/Dense([0-9]{1,2})/bias", r"mapping.fc\1.bias", _plain),
    (r"synthesis/4x4/Const/const", r"synthesis.b4.const", _first),
    *_layer(r"synthesis/4x4/Conv", r"synthesis.b4.conv1", _kernel),
    *_layer(rf"{_SIZE}/Conv0_up", r"synthesis.b\1.conv0", _turned_kernel),
    *_layer(rf"{_SIZE}/Conv1", r"synthesis.b\1.conv1", _kernel),
    *_layer(rf"{_SIZE}/ToRGB", r"synthesis.b\1.torgb", _kernel),
]
