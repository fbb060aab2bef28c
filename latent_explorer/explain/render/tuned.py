# SPDX-License-Identifier: MIT
"""What a latent brings beside its ws: styles of its own (style space) and a tuned generator (pivotal tuning).

Only how they are applied to a render. Finding them is `explain.projection` and `explain.projection.tuning`.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from latent_explorer.explain.latents import Latent
    from latent_explorer.models.stylegan2 import Generator, Styles, SynthesisNetwork

_COPIES = 2  # tuned generators in memory at once: the picture and what it is compared with


def with_delta(generator: Generator, delta: Mapping[str, Tensor]) -> Generator:
    """A copy of the generator with the delta added to its tensors. UserError when it is of another generator."""
    tuned = copy.deepcopy(generator)
    state = tuned.state_dict()
    for name, change in delta.items():
        if name not in state or state[name].shape != change.shape:
            raise UserError(
                f"The tuned weights of this projection do not fit the generator ({name[:80]}): it was made with "
                "another model. Project the picture again."
            )
        state[name] += change.to(state[name])
    return tuned


class TunedGenerators:
    """Copies of one generator with the deltas of latents; the newest two are kept."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._kept: OrderedDict[int, tuple[Mapping[str, Tensor], Generator]] = OrderedDict()

    def for_latent(self, latent: Latent) -> Generator:
        """The generator that renders this latent; the one that was given, unless the latent brings a delta."""
        if not latent.delta:
            return self._generator
        key = id(latent.delta)  # the mapping is kept beside the copy, so its id stays its own
        found = self._kept.pop(key, None) or (
            latent.delta,
            with_delta(self._generator, latent.delta),
        )
        self._kept[key] = found
        while len(self._kept) > _COPIES:
            self._kept.popitem(last=False)
        return found[1]


def latent_styles(
    synthesis: SynthesisNetwork,
    latent: Latent,
    ws: Tensor,
    cond: Tensor | None,
    truncation_psi: float = 1.0,
    truncation_cutoff: int | None = None,
) -> Styles:
    """Styles of every layer for a latent whose ws and cond have become these; psi says how ws was truncated.

    A latent found in style space is its ws and what its styles add to them. Styles are affine in ws and cond, so what
    is added is the same wherever those move, and truncation scales it scales ws - w_avg.
    """
    found = synthesis.styles(ws, cond)
    if latent.styles is None:
        return found
    own = synthesis.styles(latent.ws, latent.cond)
    kept = []
    for layer, style, mine, base in zip(synthesis.layout.layers, found, latent.styles, own, strict=True):
        truncated = truncation_cutoff is None or layer.ws_row < truncation_cutoff
        psi = truncation_psi if truncated else 1.0
        # In this order an untouched latent keeps its styles to the last bit.
        kept.append(mine + (style - base) + (psi - 1.0) * (mine - base))
    return kept


def check_latent(synthesis: SynthesisNetwork, latent: Latent) -> None:
    """Raises UserError unless the shapes of a latent are those of this generator."""
    layout, config = synthesis.layout, synthesis.config
    fits = tuple(latent.ws.shape) == (1, layout.num_ws, config.w_dim)
    if latent.cond is not None:
        fits &= tuple(latent.cond.shape) == (1, config.num_classes)
    if latent.styles is not None:
        fits &= [s.shape[1] for s in latent.styles] == [layer.channels for layer in layout.layers]
    if latent.noise is not None:
        sizes = [layer.resolution for layer in layout.conv_layers]
        fits &= [tuple(n.shape[-2:]) for n in latent.noise] == [(size, size) for size in sizes]
    if config.num_classes and latent.cond is None:
        fits = False
    if not fits:
        raise UserError(
            "This projected picture was made with another model, whose latents have other shapes. Project it again."
        )


def on_device(latent: Latent, device: torch.device) -> Latent:
    """The latent in fp32 on a device."""

    def moved(tensors: tuple[Tensor, ...] | None) -> tuple[Tensor, ...] | None:
        return None if tensors is None else tuple(t.to(device).float() for t in tensors)

    return replace(
        latent,
        ws=latent.ws.to(device).float(),
        cond=None if latent.cond is None else latent.cond.to(device).float(),
        noise=moved(latent.noise),
        styles=moved(latent.styles),
    )
