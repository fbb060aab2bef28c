# SPDX-License-Identifier: MIT
"""Classifiers that are programs: nothing runs without consent, and a hostile one costs one sentence."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.models.classifier_file import read_classifier, write_classifier
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer import Explainer, hash_classifier
from latent_explorer.models.explainer_file import info, write_explainer
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier
from latent_explorer.models.importers.classifiers.program_model import ProgramNotRun
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.programs import process, program
from latent_explorer.models.programs.messages import REMEMBERED
from latent_explorer.models.programs.network import ProgramNetwork
from latent_explorer.models.programs.process import Limits, ProgramProcess
from latent_explorer.models.programs.program import Program
from latent_explorer.training.config import TrainConfig
from latent_explorer.training.warm_start import with_sizes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
GB = 1 << 30


class Small(nn.Module):
    """Network of its own, which no library has."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2)
        self.last = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.conv(x)).mean(dim=(2, 3)))


class Hostile(nn.Module):
    """Does what the first number of the pictures says."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def forward(self, x: Tensor) -> Tensor:
        mode = int(x[0, 0, 0, 0].item())
        y = x.mean(dim=(2, 3))
        if mode == 1:  # never ends
            while mode > 0:
                y = y + 1
        elif mode == 2:  # takes all memory
            kept = [torch.ones(1 << 26)]
            while mode > 0:
                kept.append(torch.ones(1 << 26))
            y = y + kept[-1][0]  # else the compiler leaves the loop out
        elif mode == 3:  # writes out of bounds
            i = torch.full([1, 1], 1 << 42, dtype=torch.int64)
            y = y + torch.ops.aten._sparse_coo_tensor_unsafe(i, torch.ones(1), [10]).to_dense().sum()
        elif mode == 5:
            y = y * float("nan")
        elif mode == 6:
            y = torch.zeros(len(x), 1 << 22)
        elif mode == 7:
            for _ in range(10_000):
                print("xxxxxxxxxx")
        elif mode == 8:  # makes a file and writes to it
            y = y + torch.from_file(self.target + ".made", True, 10).sum()
        elif mode == 9:
            y = y + torch.from_file(self.target, False, 1).sum()
        elif mode == 10:
            raise ValueError("I refuse")
        elif mode == 11:
            y = y.detach()
        return y


def network_of(path: Path, kind: program.ProgramKind, outputs: int = 3) -> ProgramNetwork:
    data = path.read_bytes()
    network = ProgramNetwork(Program(kind, hashlib.sha256(data).hexdigest(), len(data), outputs))
    network.code = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return network


@pytest.fixture(autouse=True)
def own_consent() -> Iterator[None]:
    program.forget_allowed()
    yield
    process.close_all()
    program.forget_allowed()


def traced(path: Path, network: nn.Module | None = None) -> Path:
    torch.manual_seed(0)
    torch.jit.trace((network or Small()).eval(), torch.randn(2, 3, 32, 32)).save(path)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
def test_a_hostile_program_costs_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"\0\0\0\0")
    path = tmp_path / "hostile.pt"
    torch.jit.script(Hostile(str(secret))).save(path)
    program.allow_all()
    content = path.read_bytes()
    described = Program("TorchScript", hashlib.sha256(content).hexdigest(), len(content), 3)
    asked = ProgramProcess(described, content, Limits(GB, call=60, picture=0))

    def ask(mode: int) -> np.ndarray:
        pictures = np.full((2, 3, 8, 8), mode, np.float32)
        return asked.forward(pictures, 3)[0]

    try:
        assert np.allclose(ask(0), 0)
        for mode, words in {
            5: "not finite", 10: "I refuse", 2: "more memory than the 1.1 GB", 6: "shape",
        }.items():  # fmt: skip
            with pytest.raises(UserError, match=words):
                ask(mode)
        assert np.allclose(ask(7), 7)
        if "files" in asked.confined:
            for mode in (8, 9):
                with pytest.raises(UserError, match="failed"):
                    ask(mode)
        assert not Path(f"{secret}.made").exists() or not Path(f"{secret}.made").stat().st_size
        with pytest.raises(UserError, match="no gradients"):
            asked.backward(0, np.ones((2, 3), np.float32), np.full((2, 3, 8, 8), 11, np.float32))
        with pytest.raises(UserError, match="ended unexpectedly, twice"):
            ask(3)
        asked._limits = asked._limits._replace(call=2)
        with pytest.raises(UserError, match="did not answer within 2 s"):
            ask(1)
        assert asked.lost
    finally:
        asked.close()
    assert "xxx" not in capfd.readouterr().out


CONFINED = """
import os, socket, sys, urllib.request
from latent_explorer.models.programs.confinement import confine
kept = confine(1 << 28)
def refused(what):
    try:
        what()
    except (OSError, MemoryError):
        return
    print("not refused:", what)
if "files" in kept:
    refused(lambda: open(sys.argv[1]))
    refused(lambda: open(sys.argv[1] + "2", "w"))
    refused(lambda: os.listdir("/"))
if "network" in kept:
    refused(lambda: socket.socket(socket.AF_UNIX))
    refused(lambda: socket.socket(socket.AF_INET))
    refused(lambda: os.execv(sys.executable, [sys.executable, "-c", "print('another program')"]))
    refused(lambda: os.kill(os.getppid(), 0))
if "memory" in kept:
    refused(lambda: bytearray(1 << 29))
import decimal
print("kept", *kept)
"""


def test_the_confinement_holds(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    code = [sys.executable, "-c", CONFINED, str(tmp_path / "secret")]
    done = subprocess.run(code, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kept"), done.stdout
    if sys.platform == "linux":
        assert "memory" in done.stdout


def test_nothing_runs_without_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = traced(tmp_path / "small.pt")
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(ProgramNotRun, match=r"TorchScript program, which is code.*--run-program"):
        inspect_classifier(path, "torchvision:alexnet")
    with pytest.raises(UserError, match="nobody allowed it to run"):
        network_of(path, "TorchScript")(torch.zeros(1, 3, 32, 32))


def test_a_program_answers_as_its_source_and_is_kept_in_a_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Small().eval()
    path = traced(tmp_path / "small.pt", network)
    program.allow(hashlib.sha256(path.read_bytes()).hexdigest())
    found = inspect_classifier(path)
    assert (found.outputs, found.matches[0].channels, found.fixed_size) == (3, 3, False)
    classifier = import_classifier(found, "small", ("a", "b", "c"))
    write_classifier(tmp_path / "small.classifier", classifier, {})
    again, _ = read_classifier(tmp_path / "small.classifier")
    assert again.config == classifier.config
    img = torch.rand(2, 3, 64, 64) * 2 - 1
    img.requires_grad_(True)
    logits = again.logits(img)
    expected = network(again.preprocess(img))
    assert torch.allclose(logits, expected, atol=1e-5)
    weights = torch.randn(2, 3)
    (got,) = torch.autograd.grad((logits * weights).sum(), img)
    (want,) = torch.autograd.grad((expected * weights).sum(), img)
    assert torch.allclose(got, want, atol=1e-5 * float(want.abs().max()))
    with torch.inference_mode():
        assert again.features(img).shape == (2, 3)
        assert all(each.ndim == 4 for each in again.feature_maps(img))
    logits = again.logits(img)
    for _ in range(REMEMBERED):  # what it has forgotten since is computed once more
        again.logits(img)
    (got,) = torch.autograd.grad((logits * weights).sum(), img)
    assert torch.allclose(got, want, atol=1e-5 * float(want.abs().max()))
    program.forget_allowed()
    with pytest.raises(UserError, match="nobody allowed"):
        again.logits(img)


def test_an_explainer_says_that_it_needs_programs(tmp_path: Path, tiny_explainer: Explainer) -> None:
    described = Program("TorchScript", hashlib.sha256(b"x" * 64).hexdigest(), 64, 2)
    config = ClassifierConfig("p", program.PROGRAM, ("a", "b"), Preprocessing(32), program=described)
    classifier = Classifier(config)
    classifier.network.code.fill_(ord("x"))
    parts = {"samples": None, "style_stats": None, "attribute_sets": (), "conditioned_on": None}
    made = replace(tiny_explainer, classifiers={hash_classifier(classifier): classifier}, **parts)
    write_explainer(made, tmp_path / "program.explainer")
    write_explainer(tiny_explainer, tmp_path / "plain.explainer")
    assert info(tmp_path / "program.explainer").format_version == 2
    assert info(tmp_path / "plain.explainer").format_version == 1
    assert b"program" not in (tmp_path / "plain.explainer").read_bytes()  # nor is it a field that version 1 lacks
    with_sizes_of(TrainConfig(data=tmp_path), tmp_path / "program.explainer")  # a training can start from it


def test_an_exported_program_of_a_fixed_batch(tmp_path: Path) -> None:
    class Ends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Small()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x).softmax(dim=1)

    torch.manual_seed(0)
    network = Ends().eval()
    path = tmp_path / "two.pt2"
    torch.export.save(torch.export.export(network, (torch.randn(2, 3, 48, 48),)), path)
    program.allow_all()
    found = inspect_classifier(path)
    assert found.preprocessing is not None
    assert (found.outputs, found.fixed_size, found.preprocessing.input_size) == (3, True, 48)
    classifier = import_classifier(found, "two")
    assert classifier.config.program is not None
    assert (classifier.config.program.batch, classifier.config.program.probabilities) == (2, True)
    img = torch.rand(3, 3, 48, 48) * 2 - 1
    img.requires_grad_(True)
    got, want = classifier.probs(img), network(classifier.preprocess(img))
    assert torch.allclose(got, want, atol=1e-5)
    (a,) = torch.autograd.grad(got[:, 0].sum(), img)
    (b,) = torch.autograd.grad(want[:, 0].sum(), img)
    assert torch.allclose(a, b, atol=1e-5 * float(b.abs().max()))
    with pytest.raises(UserError, match="48 px only"):
        import_classifier(found, "two", preprocessing=type(found.preprocessing)(64))


@pytest.mark.parametrize("kind", ["TorchScript", "torch.export"])
def test_weights_of_a_known_network_are_read_without_running(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    network = squeezenet1_1(num_classes=3).eval()
    pictures = torch.randn(1, 3, 96, 96)
    path = tmp_path / "squeezenet1_1.pt2"
    if kind == "TorchScript":
        torch.jit.trace(network, pictures).save(path)
    else:
        torch.export.save(torch.export.export(network, (pictures,)), path)
    monkeypatch.setattr(subprocess, "Popen", None)
    found = inspect_classifier(path)
    assert (found.matches[0].architecture, found.kind) == ("torchvision:squeezenet1_1", kind)
    assert "It is not run" in found.notes[0]
    assert found.preprocessing is not None
    assert found.preprocessing.input_size == (96 if kind == "torch.export" else 224)
    classifier = import_classifier(found, "x")
    assert torch.allclose(classifier.network(pictures), network(pictures), atol=1e-6)
