# SPDX-License-Identifier: MIT
"""Adaptive discriminator augmentation (ADA; Karras et al. 2020, "Training GANs with Limited Data").

Each transformation is applied to each picture with probability p; p follows how sure D is of the real pictures, so a
set that D has memorised gets more of it. Only D sees augmented pictures: encoder, reconstruction losses and
classifier see them as they are. Differences from the paper: one bilinear lookup in place of wavelet filters and
supersampling, and no filtering, noise or cutout (the paper's best set, "bgc", has none either).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from latent_explorer.models.processes import World
    from latent_explorer.training.randomness import Purpose, StepRandom

Numbers = Sequence[Tensor]  # each (N,)

# Strengths are the paper's (its appendix B): standard deviations, or half the width of a uniform range.
SHIFT = 0.125  # of the side, whole pixels and fractions alike
SCALE = 0.2  # log2; stretching too
BRIGHTNESS = 0.2
CONTRAST = 0.5  # log2
SATURATION = 1.0  # log2
HIGHEST = 0.8  # p above which augmentations leak into the generated pictures (section 2.2)
SIGN_DECAY = 0.97  # of the running mean of sign(D(real)): it remembers some hundred pictures
GATES, UNIFORMS, NORMALS = 13, 8, 7  # random numbers for each picture: gates (whether), the others (how much)
NUMBERS = GATES + UNIFORMS + 2 * NORMALS
TURNS = (4, 6)  # the gates of the two free rotations


class Augmentation:
    """Augmentation with an adaptive probability p. With `target` 0 pictures stay as they are."""

    def __init__(self, target: float, images: int, device: torch.device) -> None:
        self.target = target
        self.images = images  # over which p can rise by 1
        self.p = torch.zeros([], device=device)
        self.sign = torch.zeros([], device=device)  # running mean of sign(D(real))

    def __call__(self, img: Tensor, draws: StepRandom, purpose: Purpose, samples: Sequence[int]) -> Tensor:
        """Augment pictures (N, 3, H, W) for D; `samples` are their positions in the step's batch.

        Differentiable once: torch's grid_sample has no second derivative. R1 is therefore taken with respect to the
        augmented real pictures.
        """
        if not self.target:
            return img
        numbers = draws.uniform(purpose, (NUMBERS,), samples).to(img.device)
        return augment(img, self.p, numbers)

    @torch.no_grad()
    def adapt(self, real_scores: Tensor, batch: int, world: World) -> dict[str, Tensor]:
        """Move p one step to bring the mean of sign(D(real)) to `target`; `batch` is the pictures of this step."""
        if not self.target:
            return {}
        sign = world.mean(real_scores.sign().mean())
        self.sign = sign.lerp(self.sign, SIGN_DECAY)
        step = (self.sign - self.target).sign() * batch / self.images
        self.p = (self.p + step).clamp(0, HIGHEST)
        return {"ada_p": self.p, "real_sign": self.sign}

    def state(self) -> dict[str, Any]:
        return {"p": self.p, "sign": self.sign}

    def load_state(self, state: dict[str, Any]) -> None:
        self.p, self.sign = (state[name].to(self.p.device) for name in ("p", "sign"))


def augment(img: Tensor, p: Tensor, numbers: Tensor) -> Tensor:
    """Augment img (N, 3, H, W) with p in [0, 1] and numbers (N, NUMBERS), uniform in [0, 1)."""
    probabilities = p.repeat(GATES)
    # Two rotations, one before and one after stretching: with probability p there is at least one.
    probabilities[list(TURNS)] = 1 - (1 - p).sqrt()
    gates = (numbers[:, :GATES] < probabilities).float().unbind(dim=1)
    uniforms = numbers[:, GATES : GATES + UNIFORMS].mul(2).sub(1).unbind(dim=1)  # in -1..1
    normals = _normal(numbers[:, GATES + UNIFORMS :]).unbind(dim=1)
    look = _placement(gates[:8], uniforms[:6], normals[:4], img.shape[-1])
    grid = F.affine_grid(look[:, :2], list(img.shape), align_corners=False)
    img = F.grid_sample(img, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    colour = _colour(gates[8:], uniforms[6:], normals[4:])
    return torch.einsum("nij,njhw->nihw", colour[:, :, :3], img) + colour[:, :, 3, None, None]


def _normal(u: Tensor) -> Tensor:
    """Turn uniform numbers (N, 2 K) into N(0, 1) (N, K) by the Box-Muller transform."""
    a, b = u.chunk(2, dim=1)
    return (-2 * (1 - a).log()).sqrt() * (2 * math.pi * b).cos()


def _placement(gates: Numbers, uniforms: Numbers, normals: Numbers, size: int) -> Tensor:
    """Return the map from output to input coordinates, each from -1 to 1: (N, 3, 3).

    Mirror, quarter turns, shift by whole pixels, scale, turn, stretch, turn, shift: the paper's order.
    """
    mirror = 1 - 2 * gates[0] * (uniforms[0] < 0)
    quarter = gates[1] * ((uniforms[1] + 1) * 2).floor() * (math.pi / 2)
    right, down = (gates[2] * (x * SHIFT * size).round() * 2 / size for x in uniforms[2:4])
    scale = torch.exp2(gates[3] * normals[0] * SCALE)
    turn, again = (gates[k] * x * math.pi for k, x in zip(TURNS, uniforms[4:6], strict=True))
    stretch = torch.exp2(gates[5] * normals[1] * SCALE)
    shift_x, shift_y = (gates[7] * x * SHIFT * 2 for x in normals[2:4])
    one = torch.ones_like(scale)
    steps = (
        _scaling(mirror, one),
        _rotation(quarter),
        _shift(right, down),
        _scaling(scale, scale),
        _rotation(turn),
        _scaling(stretch, 1 / stretch),
        _rotation(again),
        _shift(shift_x, shift_y),
    )
    return reduce(torch.matmul, steps)


def _colour(gates: Numbers, uniforms: Numbers, normals: Numbers) -> Tensor:
    """Return brightness, contrast, inverted luma, hue and saturation as a colour matrix and an offset: (N, 3, 4)."""
    eye = torch.eye(3, device=gates[0].device)
    grey = torch.full_like(eye, 1 / 3)  # projection onto the grey axis
    cross = torch.linalg.cross(eye, torch.full_like(eye, math.sqrt(1 / 3)), dim=1).T  # axis x colour
    brightness, gain, inverted, angle, saturation = (
        x[:, None, None]
        for x in (
            gates[0] * normals[0] * BRIGHTNESS,
            torch.exp2(gates[1] * normals[1] * CONTRAST),
            gates[2] * (uniforms[0] < 0),
            gates[3] * uniforms[1] * math.pi,
            torch.exp2(gates[4] * normals[2] * SATURATION),
        )
    )
    invert = eye - 2 * inverted * grey
    hue = grey + angle.cos() * (eye - grey) + angle.sin() * cross
    matrix = (grey + saturation * (eye - grey)) @ hue @ invert * gain
    return torch.cat([matrix, matrix @ brightness.expand(-1, 3, 1)], dim=2)


def _affine(a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor, f: Tensor) -> Tensor:
    """Return a matrix (N, 3, 3) with the rows (a, b, c), (d, e, f) and (0, 0, 1) for each picture."""
    zero, one = torch.zeros_like(a), torch.ones_like(a)
    return torch.stack([a, b, c, d, e, f, zero, zero, one], dim=1).reshape(-1, 3, 3)


def _rotation(angle: Tensor) -> Tensor:
    zero, cos, sin = torch.zeros_like(angle), angle.cos(), angle.sin()
    return _affine(cos, -sin, zero, sin, cos, zero)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    zero = torch.zeros_like(x)
    return _affine(x, zero, zero, zero, y, zero)


def _shift(x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _affine(one, zero, x, zero, one, y)
