# SPDX-License-Identifier: MIT
"""Projections with known answers: a w that is found again, and pictures outside a generator's domain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from projection_runs import changed, plain_explainer, projected

from latent_explorer.app.library import bundled_explainer
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.latents import mapped_w, seed_latent, w_standard_deviation
from latent_explorer.explain.projection.report_text import checks
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.lpips_weights import lpips_available


@pytest.mark.parametrize("start", ["mean", "average"])
def test_projection_recovers_a_known_w(start, monkeypatch, tmp_path: Path) -> None:
    """From another start, the w of a picture of a generator with random weights is found again."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # the classifier's features: no weights needed
    model = plain_explainer()
    known = seed_latent(model, 1234).ws
    synthesis = model.generator.synthesis
    with torch.no_grad():
        photo = to_uint8(synthesis(known, None, synthesis.noise_const()).numpy())
    settings = changed(space="w", start=start, steps=300, lr=0.1, l2=10.0)
    picture = projected(model, photo, settings).found[0]
    away = float(np.sqrt(np.square(picture.ws - known[0].numpy()).mean()))
    begun = mapped_w(model.generator, 1000).mean(dim=0)
    before = float((known[0, 0] - begun).square().mean().sqrt())
    std = w_standard_deviation(model.generator)
    assert away < 0.1 * before, f"{away / std:.3f} w_std, from {before / std:.3f}"
    assert picture.report.psnr > 40
    assert picture.report.agreement
    assert picture.report.probability_difference < 0.02


def test_a_face_does_not_belong_among_leaves(shared_data: Path) -> None:
    """In W+ the face is drawn well enough; the verdict stands all the same, and three leaves pass."""
    if not lpips_available("squeeze"):
        pytest.skip("needs LPIPS's weights")
    model = read_explainer(bundled_explainer())
    faces = open_dataset(shared_data / "faces-64")
    leaves = open_dataset(
        shared_data / "leaves-segmented-64",
        label="healthy",
        classes="0=diseased,1=healthy",
        where=("crop=apple,bell pepper,strawberry",),
        group="group",
    )
    rows = leaves.indices("test")[[5, 300, 600]]
    targets = np.concatenate([faces.read([10, 5000, 11000], 64), leaves.read(rows, 64)])
    pictures = projected(model, targets, changed(steps=30)).found
    assert [p.report.in_domain for p in pictures] == [False] * 3 + [True] * 3
    for picture in pictures[:3]:
        assert "random pictures of this generator" in picture.report.domain_reason
        found = checks(picture.report)
        assert [check.passed for check in found if check.name == "domain"] == [False]
        assert "good" not in {check.severity for check in found}
        assert picture.report.psnr > 15
