# SPDX-License-Identifier: MIT
"""Export of a run: the same pictures, in the published form."""

from __future__ import annotations

from pathlib import Path

import torch

from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.stylegan2 import Generator
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.export import _without_paths, fold_cond_gain, round_to_fp16


def test_folding_the_gain_changes_no_picture() -> None:
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig((4, 4, 4), 8, 8, num_classes=2, cond_gain=8.0)).eval()
    ws, cond = torch.randn(2, generator.num_ws, 8), torch.tensor([[0.9, 0.1], [0.3, 0.7]])
    before = generator.synthesis(ws, cond)
    fold_cond_gain(generator)
    assert generator.synthesis.config.cond_gain == 1.0
    assert torch.allclose(generator.synthesis(ws, cond), before, atol=1e-5)


def test_weights_are_what_a_file_holds() -> None:
    layer = round_to_fp16(torch.nn.Linear(3, 3))
    assert torch.equal(layer.weight, layer.weight.half().float())


def test_a_file_says_nothing_of_the_folders_it_was_made_in() -> None:
    config = TrainConfig(DataConfig(str(Path("someone") / "leaves")), str(Path("someone") / "leaf.classifier"))
    assert "someone" not in str(_without_paths(config))
    assert _without_paths(config)["data"]["path"] == "leaves"
