# SPDX-License-Identifier: MIT
"""Presets: ready-made settings of a training. Values only: no torch.

Widths and lengths are for a computer without a graphics card up to 64 px, and for one with it above.
"""

from __future__ import annotations

import difflib
from typing import Any, TypeVar

import msgspec

from latent_explorer.common.errors import UserError

C = TypeVar("C", bound=msgspec.Struct)


class Preset(msgspec.Struct, frozen=True):
    """Settings by name, for TrainConfig and for the classifier that is trained along with it."""

    key: str
    title: str
    description: str  # one line to choose by
    settings: dict[str, Any] = {}
    classifier: dict[str, Any] = {}
    source: str = ""  # where the figures come from
    differs: tuple[str, ...] = ()  # from the published recipe


_QUICK_LOOK = Preset(
    "quick-look",
    "Quick look, 32 px",
    "A small picture of what your classifier sees, in under twenty minutes on two cores if it is small.",
    settings={
        "resolution": 32,
        "channels": (96, 96, 48, 24),
        "z_dim": 64,
        "w_dim": 64,
        "hidden": 128,
        "images": 48_000,
        "kl_start": 2_000,
        "kl_ramp": 3_000,
        "adversarial_start": 9_000,
        "adversarial_ramp": 5_000,
        "cooldown": 12_000,
        "validate_every": 4_000,
        "sheet_every": 2_000,
        "attributes": 60,
    },
    classifier={"steps": 600},
    source="Measured in docs/training.md.",
)

_SMALL = Preset(
    "64",
    "64 px",
    "The recipe of the bundled leaf explainer: an evening on a laptop, minutes on a graphics card.",
    settings={"images": 100_000},
    source="docs/decisions/0004-sparse-class-conditioning.md",
)

# R1's weight grows with the area: four times a doubling, as in ada's heuristic 0.0002 * res^2 / batch (B.6).
_MEDIUM = Preset(
    "128",
    "128 px",
    "Finer texture: a night or two on a laptop, an hour on a graphics card.",
    settings={
        "resolution": 128,
        "channels": (128, 128, 96, 48, 24, 16),
        "images": 300_000,
        "r1_gamma": 0.8,
        "adversarial_start": 20_000,
        "adversarial_ramp": 20_000,
        "ema_half_life": 10_000,
        "validate_every": 20_000,
        "sheet_every": 10_000,
    },
    source="The 64-px recipe with R1 scaled by area and a longer schedule; no long run was measured.",
)

_LARGE = Preset(
    "256",
    "256 px",
    "For a graphics card: a day or more, tens of thousands of pictures.",
    settings={
        "resolution": 256,
        "channels": (512, 512, 256, 128, 64, 32, 16),
        "z_dim": 512,
        "w_dim": 512,
        "hidden": 512,
        "mapping_layers": 8,
        "batch": 16,
        "images": 3_000_000,
        "mapped": 4,
        "repaired": 4,
        "discriminated": 8,
        "r1_gamma": 1.6,
        "adversarial_start": 60_000,
        "adversarial_ramp": 60_000,
        "ema_half_life": 10_000,
        "validate_every": 50_000,
        "sheet_every": 25_000,
    },
    source="The 64-px recipe with the published widths; it was never run to its end.",
)

_ORIGINAL = Preset(
    "published-original",
    "As published (StylEx)",
    "The original paper's figures, 256 px, for comparison: days on several graphics cards.",
    settings={
        "resolution": 256,
        "channels": (512, 512, 512, 512, 256, 128, 64),
        "z_dim": 512,
        "w_dim": 512,
        "hidden": 512,
        "mapping_layers": 8,
        "mapping_lr_mul": 0.01,
        "cond_gain": 1.0,
        "cond_sparsity": 0.0,
        "cond_limit": 1e9,
        "align": 0.0,
        "mapping_steps": 0,
        "images": 4_000_000,
        "batch": 16,
        "mapped": 16,
        "repaired": 0,
        "discriminated": 16,
        "kl_start": 0,
        "kl_ramp": 1,
        "adversarial_start": 0,
        "adversarial_ramp": 1,
        "cooldown": 0,
        "l1": 1.0,
        "lpips": 0.1,
        "latent": 0.1,
        "latent_every": 1,
        "kl": 1.0,
        "adversarial": 1.0,
        "path_length": 2.0,
        "r1_gamma": 10.0,
        "lr": 0.002,
        "ema_half_life": 10_000,
    },
    source=(
        "Lang et al. 2021 (StylEx) and what its authors told a replication: learning rate 0.002, batch 16, 250,000 "
        "updates. Loss weights as two replications have them (image L1 1, LPIPS 0.1, latent L1 0.1); the paper's text "
        "reads as 0.1 for the image's too."
    ),
    differs=(
        "Encoder and mapping path share every update instead of taking turns.",
        "The class reaches the 3x3 convolutions alone, not toRGB, so that AttFind can find it.",
        "LPIPS compares by AlexNet. R1's and path length's weights are StyleGAN2's: the paper names none.",
    ),
)

_REPLICATION = Preset(
    "published-replication",
    "As replicated at 64 px",
    "The best-known replication's figures, for comparison: about two days on a graphics card.",
    settings={
        **{k: v for k, v in _ORIGINAL.settings.items() if k not in ("ema_half_life", "path_length")},
        "resolution": 64,
        "channels": (512, 256, 128, 64, 32),
        "images": 4_800_000,
        "batch": 32,
        "mapped": 32,
        "discriminated": 32,
        "path_length": 1.0 / 32,
        "path_length_every": 32,
        "r1_gamma": 5.0,
        "r1_every": 4,
        "lr": 2e-4,
        "ema_half_life": 45_000,
    },
    source=(
        "The NoahVl replication: lucidrains widths at capacity 16, batch 4 x 8, learning rate 2e-4, 150,000 updates, "
        "EMA 0.995 every ten updates (half-life about 45,000 images)."
    ),
    differs=(
        "True R1 and logistic losses instead of its gradient penalty towards 1 and hinge.",
        "Encoder and mapping path share every update; there the toggle could leave the encoder untrained.",
        "Equalised learning rates, minibatch standard deviation and one noise map a layer, as in StyleGAN2.",
        "The class reaches the 3x3 convolutions alone, not toRGB.",
    ),
)

PRESETS: dict[str, Preset] = {
    preset.key: preset for preset in (_QUICK_LOOK, _SMALL, _MEDIUM, _LARGE, _ORIGINAL, _REPLICATION)
}
DEFAULT = "64"


def preset(key: str) -> Preset:
    """Return the preset called `key`. Raises UserError, which names all presets, if there is none."""
    if key in PRESETS:
        return PRESETS[key]
    close = difflib.get_close_matches(key, PRESETS, n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    raise UserError(f"There is no preset {key!r}.{meant} There are: {', '.join(PRESETS)}.")


def apply(key: str, config: C) -> C:
    """Return `config` with the settings of a preset."""
    return msgspec.structs.replace(config, **preset(key).settings)
