# SPDX-License-Identifier: MIT
"""Shared last step of all importers: a checked Generator from tensors under this package's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.models.explainer_header import MAX_WIDTH
from latent_explorer.models.skip_init import SkipInit
from latent_explorer.models.stylegan2 import Generator

if TYPE_CHECKING:
    from latent_explorer.models.architecture import GeneratorConfig

C = TypeVar("C")
N = TypeVar("N", bound=nn.Module)
State = Mapping[str, Tensor]  # a plain state dict


def assemble_generator(config: GeneratorConfig, tensors: State, kind: str) -> Generator:
    """Return the generator of `config` with these fp32 tensors, which must be exactly its own. `kind` names the source.

    Raises UserError when a tensor is missing, left over, of another shape or not finite, or the network is too wide.
    """
    check_widths((config.z_dim, config.w_dim, *config.channels), kind)
    return assemble(Generator, config, tensors, kind)


def check_widths(widths: Sequence[int], kind: str) -> None:
    """Refuse a network that is wider than any file of this package may be."""
    if max(widths) > MAX_WIDTH:
        raise refused(kind, f"it is {max(widths):,} wide, more than {MAX_WIDTH:,}")


def assemble(network: Callable[[C], N], config: C, tensors: State, kind: str) -> N:
    """Return a network of `config` with these fp32 tensors, as `assemble_generator` does."""
    with SkipInit():
        made = network(config)
    expected = made.state_dict()
    for name in expected.keys() | tensors.keys():
        if name not in tensors:
            raise refused(kind, f"{name} is missing")
        if name not in expected:
            raise refused(kind, f"it holds {name}, which such a network does not have")
        if tensors[name].shape != expected[name].shape:
            shapes = f"{tuple(tensors[name].shape)}, not {tuple(expected[name].shape)}"
            raise refused(kind, f"{name} has the shape {shapes}")
        if not tensors[name].isfinite().all():
            raise refused(kind, f"{name} holds values that are not finite numbers")
    state = {name: t.detach().to("cpu", torch.float32).contiguous() for name, t in tensors.items()}
    made.load_state_dict(state, assign=True)
    return made.eval().requires_grad_(False)


def shape_of(state: State, name: str, dims: int, kind: str) -> tuple[int, ...]:
    """Return the shape of a tensor that must exist, have `dims` dimensions and not be empty."""
    if name not in state:
        raise refused(kind, f"{name} is missing")
    shape = tuple(state[name].shape)
    if len(shape) != dims or 0 in shape:
        raise refused(kind, f"{name} has the shape {shape}")
    return shape


def check_settings(settings: Mapping[str, Any], kind: str) -> None:
    """Refuse networks that were made with settings by which they work in another way than our layers.

    Such settings leave no trace in names and shapes; what is not given is NVIDIA's default.
    """
    for name in ("resample_kernel", "resample_filter"):
        if name in settings and not _is_binomial(settings[name]):
            raise _other_way(kind, f"it resamples with the filter {_short(settings[name])}, not with [1, 3, 3, 1]")
    for name in ("nonlinearity", "mapping_nonlinearity", "activation"):
        if _short(settings.get(name, "lrelu")) != "lrelu":
            raise _other_way(kind, f"its layers end in {_short(settings[name])!r}, not in a leaky ReLU")
    if _short(settings.get("normalize_latents", True)) != "True":
        raise _other_way(kind, "it does not normalize z")


def _short(value: Any) -> str:
    """Return plain values as text, else the type: the text of lists that share lists has no end."""
    values = value if isinstance(value, (list, tuple)) else [value]
    plain = len(values) <= 8 and all(each is None or isinstance(each, (str, int, float)) for each in values)
    return str(value)[:40] if plain else f"a value of the type {type(value).__name__}"


def _is_binomial(taps: Any) -> bool:
    taps = taps.ravel().tolist() if isinstance(taps, np.ndarray) else taps
    if not isinstance(taps, (list, tuple)) or len(taps) != 4 or not all(isinstance(t, (int, float)) for t in taps):
        return False
    found = np.array(taps, dtype=np.float64)
    if not found.sum() > 0:
        return False
    return bool(np.allclose(found / found.sum(), np.array([1, 3, 3, 1]) / 8, atol=1e-3))


def check_filter(kernel: Tensor, name: str, kind: str) -> None:
    """Refuse any resampling filter but 1-3-3-1, of whatever gain: our layers have that one built in."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    expected = torch.outer(taps, taps) / 64
    kernel = kernel.float()
    if kernel.shape != expected.shape or not torch.allclose(kernel / kernel.sum(), expected, atol=1e-3):
        raise _other_way(kind, f"{name} is not the filter 1-3-3-1")


def _other_way(kind: str, why: str) -> UserError:
    return UserError(f"This {kind} generator works in another way than those that can be imported: {why}.")


def refused(kind: str, why: str) -> UserError:
    return UserError(f"This is not a {kind} network that can be imported: {why}. Check that the file is whole.")
