# SPDX-License-Identifier: MIT
"""A labelled folder of the tiny explainer's own pictures, about half of which it calls the other class."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from latent_explorer.models.explainer import Explainer


@torch.no_grad()
def write_labelled(folder: Path, model: Explainer, column: str, values: tuple[str, str]) -> Path:
    """Write the samples as pictures labelled in turn with two values, of two crops and numbered, with a labels.csv."""
    folder.mkdir(parents=True)
    synthesis, samples = model.generator.synthesis, model.samples
    assert samples is not None
    img = synthesis(samples.ws, samples.cond_of(), synthesis.noise_const()).clamp(-1, 1)
    pixels = ((img + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    lines = [f"file,{column},crop,number"]
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{i:02d}.png")
        lines.append(f"{i:02d}.png,{values[i % 2]},{('apple', 'pear')[i % 3 == 0]},{i}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder
