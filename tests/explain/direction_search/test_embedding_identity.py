# SPDX-License-Identifier: MIT
"""An embedding network that a person brings, as the identity loss of a guided direction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from colour_explainer import tiny_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.direction_search.identity import EmbeddingDistance
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.settings import GuidedSettings, SearchSettings
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.classifiers import Classifier

pytest.importorskip("onnx")

import onnx_files

CPU = torch.device("cpu")
SHAPE = ("n", 3, 16, 16)


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a network that answers the mean of each colour, pictures being in [0, 1]."""
    nodes = [onnx_files.node("GlobalAveragePool", output="p"), onnx_files.node("Flatten", "p")]
    return onnx_files.write(tmp_path_factory.mktemp("nets") / "colours.onnx", nodes, shape=SHAPE)


def reds(folder: Path) -> Classifier:
    """Return a network whose answer turns with the mean red alone: (mean red, 1)."""
    weight = np.array([[1.0, 0, 0], [0, 0, 0]], np.float32)
    nodes = [
        onnx_files.node("GlobalAveragePool", output="p"),
        onnx_files.node("Flatten", "p", "f"),
        onnx_files.node("Gemm", "f w b", transB=1),
    ]
    constants = {"w": 5 * weight, "b": np.array([0.0, 1.0], np.float32)}
    return read_classifier(onnx_files.write(folder / "reds.onnx", nodes, constants, shape=SHAPE))[0]


def test_the_distance_is_one_less_the_cosine_of_the_answers(colours: Path) -> None:
    network = read_classifier(colours)[0]
    loss = EmbeddingDistance(network, CPU)
    assert loss.name == "embedding by colours"
    plain = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [1, 1, -1], [0, 0, 0]])[:, :, None, None].expand(4, 3, 16, 16)
    red, green, yellow, grey = (loss.features(each[None]) for each in plain)
    np.testing.assert_allclose(red[0], network.preprocess(plain[:1]).mean(dim=(2, 3)), atol=1e-6)
    raw = network.preprocess(plain).mean(dim=(2, 3)).double()

    def expected(a: int, b: int) -> float:
        return 1 - float(raw[a] @ raw[b] / raw[a].norm() / raw[b].norm())

    for (a, i), (b, j) in (((red, 0), (green, 1)), ((red, 0), (yellow, 2)), ((yellow, 2), (grey, 3))):
        assert float(loss.distance_of_features(a, b)) == pytest.approx(expected(i, j), abs=1e-5)
    assert float(loss.distance_of_features(red, red)) == pytest.approx(0, abs=1e-6)


def test_what_the_embedding_tells_apart_stays(tmp_path: Path) -> None:
    explainer = tiny_explainer(n=120)  # red against green: the verdict turns by either, or by both
    synthesis, ws, cond = explainer.generator.synthesis, explainer.samples.ws[:30], explainer.samples.cond_of()[:30]
    changes = []
    for weight in (0.0, 10.0):
        guided = GuidedSettings(identity="none", identity_weight=weight, steps=40, batch=8, lr=0.5)
        settings = SearchSettings("guided", target=0, held_out=30, controls=0, guided=guided)
        (found,) = run_job(find_directions(explainer, settings, embedding=reds(tmp_path)))
        assert found.identity == "embedding by reds"
        assert found.figures["probability_1"] > 0.4 > found.figures["probability_0"]
        shift = found.figures["length_sd"] * torch.from_numpy(found.direction.shift(explainer.generator.num_ws))
        with torch.no_grad():
            imgs = [synthesis(w, cond, synthesis.noise_const()).clamp(-1, 1) for w in (ws, ws + shift)]
        before, after = (img.mean(dim=(2, 3)) for img in imgs)
        changes.append((after - before).mean(dim=0))
    free, held = changes
    assert free[0] > 0.5
    assert abs(held[0]) < 0.1 * free[0]
    assert held[1] < free[1] < 0  # what is left to do is done by green


def test_what_is_no_embedding_is_refused(colours: Path, tmp_path: Path) -> None:
    explainer = tiny_explainer(n=120)
    with pytest.raises(UserError, match="classifier-guided direction only"):
        run_job(find_directions(explainer, SearchSettings("sefa"), embedding=read_classifier(colours)[0]))
    nodes = [
        onnx_files.node("ReduceMean", output="y", axes=[1, 2, 3], keepdims=0),
        onnx_files.node("Unsqueeze", "y a", "z"),
    ]
    path = onnx_files.write(tmp_path / "one.onnx", nodes, {"a": np.array([1])}, shape=SHAPE, outputs="z")
    with pytest.raises(UserError, match="two numbers or more"):
        EmbeddingDistance(read_classifier(path)[0], CPU)
    broken = read_classifier(colours)[0]
    broken.mean.fill_(float("nan"))
    with pytest.raises(UserError, match="not finite"):
        EmbeddingDistance(broken, CPU)
