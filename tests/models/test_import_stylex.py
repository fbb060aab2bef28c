# SPDX-License-Identifier: MIT
"""The StylEx built on lucidrains' networks: its reconstructions are those of its conventions; it can be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lucidrains_files
import numpy as np
import pytest
import torch
from lucidrains_files import as_maps, drawn
from tiny import make_explainer

from latent_explorer.app.importing.jobs import GeneratorChoices, ImportSession
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.plain_generator import explainer_of_generator, with_encoded
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.explainer import encode_batch
from latent_explorer.models.explainer_file import info, read_explainer, write_explainer
from latent_explorer.models.importers.generators.file import import_generator
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.warm_start import with_sizes_of

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


def told_logits(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the state of a StylEx of the first kind, whose mapping makes all numbers that layers take."""
    wide = {f"SE.net.{i}.weight": torch.eye(10) for i in (0, 2)} | {f"SE.net.{i}.bias": torch.ones(10) for i in (0, 2)}
    return state | wide


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
def test_reconstructions(tmp_path: Path, kind: str) -> None:
    state, values = lucidrains_files.known("stylex")
    state = told_logits(state) if kind == "logits" else state
    path = lucidrains_files.write(tmp_path / "model_260.pt", "stylex", state)
    found = import_generator(path)
    assert found.source == "StylEx (on lucidrains' StyleGAN2)"
    assert found.told == 2
    assert any(kind in note for note in found.notes)
    assert found.generator.config.w_dim == (10 if kind == "logits" else 8)
    assert found.generator.config.num_classes == (0 if kind == "logits" else 2)

    classifier = make_explainer().classifier
    made = run_job(explainer_of_generator(found.generator, "x", classifier, encoder=found.encoder, told=2, samples=8))
    write_explainer(made, tmp_path / "x.explainer")
    assert info(tmp_path / "x.explainer").format_version == 2
    model = read_explainer(tmp_path / "x.explainer")
    assert model.model_hash == made.model_hash

    img = 2 * values["x"] - 1
    synthesis = model.generator.synthesis
    with torch.inference_mode():
        w = model.encode(img)
        torch.testing.assert_close(w[:, :8], values["w"], rtol=0, atol=1e-5)
        if kind == "logits":
            torch.testing.assert_close(w[:, 8:], model.classifier.logits(img), rtol=0, atol=1e-5)
            w[:, 8:] = values["cond"]  # the source was told these numbers
        cond = None if kind == "logits" else values["cond"]
        again = synthesis(model.generator.broadcast(w), cond, as_maps(model.generator, values["noise"]))
    torch.testing.assert_close(again, drawn(values), rtol=0, atol=1e-4)

    encoded = with_encoded(model, encode_batch(model, to_uint8(img.numpy()), ("a", "b")))
    assert encoded.samples is not None
    assert encoded.samples.cond.shape == (2, 0 if kind == "logits" else 2)
    write_explainer(encoded, tmp_path / "y.explainer")
    assert read_explainer(tmp_path / "y.explainer").samples is not None
    result = run_job(attfind(model, AttFindSettings(n=8, wanted=1)))
    assert result.attribute_set.n == 8


def test_an_encoder_of_another_kind_is_left_out(tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in lucidrains_files.known("stylex")[0].items() if "encoder." not in name}
    other = {"encoder.net.0.weight": torch.ones(2, 3, 3, 3), "encoder.net.0.bias": torch.ones(2)}
    found = import_generator(lucidrains_files.write(tmp_path / "x.pt", "stylex", state | other))
    assert found.encoder is None
    assert found.told == 2
    assert "encoder is of another kind" in found.notes[0]


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("does not fit its generator", {"encoder.fc.weight": torch.ones(7, 128), "encoder.fc.bias": torch.ones(7)}),
        ("has the shape", {"encoder.blocks.1.net.0.weight": torch.ones(8, 4, 1, 1)}),
        ("has the blocks", {"encoder.blocks.9.net.0.weight": torch.ones(8, 4, 1, 1)}),
        ("holds encoder", {"encoder.more": torch.ones(1)}),
    ],
)
def test_other_encoders_are_refused(tmp_path: Path, words: str, change: dict[str, Tensor]) -> None:
    path = lucidrains_files.write(tmp_path / "x.pt", "stylex", lucidrains_files.known("stylex")[0] | change)
    with pytest.raises(UserError, match=words):
        import_generator(path)


def test_it_needs_its_classifier(tmp_path: Path) -> None:
    path = lucidrains_files.write(tmp_path / "x.pt", "stylex")
    session = ImportSession(path)
    facts = run_job(session.inspect()).generator
    assert facts is not None
    assert facts.needs_classifier
    with pytest.raises(UserError, match="Give the classifier"):
        run_job(session.write_explainer(GeneratorChoices(tmp_path / "x.explainer"), lambda: 1.0))
    write_classifier(tmp_path / "c.classifier", make_explainer().classifier, {})
    choices = GeneratorChoices(tmp_path / "x.explainer", classifier=tmp_path / "c.classifier")
    run_job(session.write_explainer(choices, lambda: 1.0))
    model = read_explainer(tmp_path / "x.explainer")
    assert model.encoder is not None
    assert model.conditioned_on == model.classifier_id
    assert model.samples is not None
    assert np.allclose(model.samples.cond.sum(dim=1), 1)
    with pytest.raises(UserError, match="not trained"):
        with_sizes_of(TrainConfig(DataConfig("x")), tmp_path / "x.explainer")
