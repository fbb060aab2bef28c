# SPDX-License-Identifier: MIT
"""`import` on the command line: a generator of another program becomes an explainer that AttFind can search."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import stylex_release
import torch
from torchvision import models

from latent_explorer.cli.root import main
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.stylegan2 import Generator

if TYPE_CHECKING:
    from pathlib import Path


def test_a_generator_and_a_classifier_become_an_explainer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    source = Generator(GeneratorConfig((8, 8, 8), z_dim=8, w_dim=8, mapping_layers=2)).eval()
    torch.save({"G_ema": source.state_dict(), "cur_nimg": 5}, tmp_path / "network.pt")
    torch.save(models.squeezenet1_1(num_classes=2).state_dict(), tmp_path / "net.pth")
    out = tmp_path / "x.explainer"
    args = ["--classifier", str(tmp_path / "net.pth"), "--samples", "6", "--psi", "0.7", "--out", str(out), "--json"]
    assert main(["import", str(tmp_path / "network.pt"), *args]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["source"], result["resolution"]) == ("StyleGAN2 (NVIDIA)", 16)

    found = read_explainer(out)
    assert found.samples is not None
    assert found.samples.probs.shape == (6, 2)
    assert found.provenance["imported"]["file"] == "network.pt"
    with torch.inference_mode():
        noise = source.synthesis.noise_const()
        drawn = [g.synthesis(found.samples.ws, None, noise) for g in (found.generator, source)]
    torch.testing.assert_close(*drawn, rtol=0, atol=1e-4)

    assert main(["attfind", str(out), "--out", str(tmp_path / "found.explainer"), "--json"]) == 0
    assert main(["info", str(tmp_path / "found.explainer")]) == 0


def test_a_generator_alone_can_be_explored(tmp_path: Path) -> None:
    source = Generator(GeneratorConfig((4, 4, 4), z_dim=8, w_dim=8, mapping_layers=2))
    torch.save(source.state_dict(), tmp_path / "network.pt")
    assert main(["import", str(tmp_path / "network.pt"), "--out", str(tmp_path / "x.explainer")]) == 0
    assert main(["generate", str(tmp_path / "x.explainer"), "--seeds", "0-1", "--out", str(tmp_path / "out")]) == 0
    found = read_explainer(tmp_path / "x.explainer")
    assert found.samples is None
    assert found.style_stats is not None


def test_googles_stylex_and_its_replication(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("timm")
    folder, out = tmp_path / "age", str(tmp_path / "age.explainer")
    stylex_release.write_release(folder)

    def result(*args: str) -> dict[str, Any]:
        assert main([*args, "--json"]) == 0
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    for path in (folder, folder / "generator.savedmodel"):
        about = result("info", str(path))
        assert (about["kind"], about["resolution"], about["classes"]) == ("stylex", 32, 2)
    made = result("import", str(folder), "--class-names", "old,young", "--out", out)
    assert (made["source"], made["classifier"]) == ("StylEx (Google)", "MobileNet (Google)")
    found = read_explainer(out)
    assert found.classifier.config.class_names == ("old", "young")
    assert found.samples is not None
    assert found.encoder is not None
    assert main(["import", str(folder), "--class", "1", "--out", out]) == 1
    assert "draws no classes" in capsys.readouterr().err

    report = tmp_path / "report.json"
    rows = result("replicate", "google", str(folder), "--search", "none", "--out", str(report))["rows"]
    assert json.loads(report.read_text())["rows"] == rows
    assert sum(rows[0]["counts"]) == 6
    assert "examples_1.tfrecord" in rows[1]["skipped"]
    assert main(["replicate", "google", str(folder), "--search", "none"]) == 0
    assert "skipped: the authors' effects" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    assert "holds no generator.savedmodel" in result("replicate", "google", str(tmp_path / "empty"))["skipped"]
    assert main(["replicate", "google", str(tmp_path / "none")]) == 1
