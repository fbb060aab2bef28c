# SPDX-License-Identifier: MIT
"""Explainer files: lossless round trips, the header alone, and errors of writing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from latent_explorer.common.errors import UserError
from latent_explorer.models import explainer_header
from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.classifiers import ARCHITECTURES, Classifier, ClassifierConfig
from latent_explorer.models.discriminator import Discriminator, Encoder
from latent_explorer.models.explainer import Explainer, Samples, hash_classifier, style_statistics
from latent_explorer.models.explainer_file import info, read_explainer, write_explainer
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.skip_init import SkipInit
from latent_explorer.models.stylegan2 import Generator

CHANNELS = (8, 6, 4)  # 16 px


def make_explainer(seed: int = 0, rows_equal: bool = True) -> Explainer:
    torch.manual_seed(seed)
    generator = Generator(GeneratorConfig(CHANNELS, z_dim=8, w_dim=8, num_classes=2, mapping_layers=2))
    classifier = Classifier(
        ClassifierConfig("health", "small-resnet", ("diseased", "healthy"), Preprocessing(16), widths=(4, 6))
    )
    key = hash_classifier(classifier)
    ws = torch.randn(5, 1 if rows_equal else generator.num_ws, 8).expand(-1, generator.num_ws, -1)
    cond = torch.rand(5, 2).softmax(dim=1)
    return Explainer(
        name="leaves",
        generator=generator,
        encoder=Encoder(TrunkConfig(CHANNELS, outputs=8, hidden=8)),
        discriminator=Discriminator(TrunkConfig(CHANNELS, outputs=2, hidden=8, minibatch_stddev=True)),
        classifiers={key: classifier},
        conditioned_on=key,
        samples=Samples(ws, cond, cond.flip(1), tuple(f"leaf/{i}.jpg" for i in range(5))),
        style_stats=style_statistics(generator, ws, cond),
        attribute_sets=(
            AttributeSet(
                key,
                "attfind-notebook",
                5,
                1.0,
                "the samples",
                (Attribute("brown spots", 0, (AttributeEntry(3, "max"),), 1.5, (1.0, 2.0)),),
                {"tau": 1.0},
            ),
        ),
        provenance={"data": {"licence": "CC BY-SA 3.0", "counts": [1, 2]}},
        figures={"agreement": np.float32(0.5), "flips": np.float64(0.75), "table": np.arange(3)},
    )


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return make_explainer()


@pytest.fixture(scope="module")
def written(explainer: Explainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "leaves.explainer"
    write_explainer(explainer, path)
    return path


@pytest.mark.parametrize("rows_equal", [True, False])
def test_everything_comes_back(tmp_path: Path, rows_equal: bool) -> None:
    before = make_explainer(1, rows_equal)
    path = tmp_path / "x.explainer"
    write_explainer(before, path)
    after = read_explainer(path)
    assert after.model_hash == before.model_hash
    assert after.conditioned_on == before.conditioned_on == hash_classifier(after.classifier)
    for name in ("generator", "encoder", "discriminator", "classifier"):
        old, new = getattr(before, name), getattr(after, name)
        assert new.config == old.config
        assert not new.training
        for key, tensor in new.state_dict().items():
            assert not tensor.is_meta
            expected = old.state_dict()[key]
            assert torch.equal(tensor, expected.half().float() if expected.is_floating_point() else expected)
            assert not tensor.requires_grad
    assert before.samples is not None
    assert after.samples is not None
    for name in ("ws", "cond", "probs"):
        assert torch.equal(getattr(after.samples, name), getattr(before.samples, name))
    assert after.samples.ids == before.samples.ids
    for name in explainer_header.STATISTICS:
        np.testing.assert_array_equal(getattr(after.style_stats, name), getattr(before.style_stats, name))
    assert after.attribute_sets == before.attribute_sets
    assert after.provenance == before.provenance
    assert after.figures == {"agreement": 0.5, "flips": 0.75, "table": [0, 1, 2]}
    assert after.name == "leaves"


def test_it_renders_and_classifies(explainer: Explainer, written: Path) -> None:
    read = read_explainer(written)
    assert read.samples is not None
    img = read.generator.synthesis(read.samples.ws, read.samples.cond, read.generator.synthesis.noise_const())
    assert img.shape == (5, 3, 16, 16)
    assert read.encoder is not None
    assert read.encoder(img).shape == (5, 8)
    assert read.classifier.probs(img).shape == (5, 2)


def test_identity_is_the_stored_bytes(written: Path, tmp_path: Path) -> None:
    read = read_explainer(written)
    known = read.model_hash
    del read.model_hash  # the one taken from the file while reading
    assert read.model_hash == known == info(written).header.model_hash
    read.name = "renamed"
    write_explainer(read, tmp_path / "renamed.explainer")
    assert read_explainer(tmp_path / "renamed.explainer").model_hash == known


def test_equal_content_is_equal_bytes(written: Path, tmp_path: Path) -> None:
    write_explainer(read_explainer(written), tmp_path / "again.explainer")
    assert (tmp_path / "again.explainer").read_bytes() == written.read_bytes()


def test_a_bare_generator(tmp_path: Path) -> None:
    generator = Generator(GeneratorConfig((4, 4, 4), z_dim=4, w_dim=4, c_dim=3, mapping_layers=1, conv_clamp=256))
    write_explainer(Explainer("plain", generator), tmp_path / "plain.explainer")
    read = read_explainer(tmp_path / "plain.explainer")
    assert read.generator.config == generator.config
    assert (read.encoder, read.samples, read.style_stats, read.classifiers) == (None, None, None, {})


def test_the_library_reads_it_too(written: Path, explainer: Explainer) -> None:
    with safe_open(written, framework="pt") as file:
        assert file.metadata()["format_version"] == "1"
        stored = file.get_tensor("generator.mapping.fc0.weight")
    assert torch.equal(stored, explainer.generator.mapping.fc0.weight.half())


def test_info_reads_the_header_only(written: Path, explainer: Explainer, tmp_path: Path) -> None:
    told = info(written)
    assert told.header.model_hash == explainer.model_hash
    plain = told.to_dict()
    json.dumps(plain)
    assert plain["kind"] == "explainer"
    assert plain["resolution"] == 16
    assert plain["classes"] == ["diseased", "healthy"]
    assert plain["attributes"] == ["brown spots"]
    # Damage in the tensors is not noticed: they are not read.
    raw = bytearray(written.read_bytes())
    raw[-1] ^= 1
    (tmp_path / "flipped.explainer").write_bytes(raw)
    assert info(tmp_path / "flipped.explainer").to_dict()["model_hash"] == plain["model_hash"]


@pytest.mark.skipif(os.name == "nt", reason="RLIMIT_FSIZE is POSIX")
def test_a_full_disk_leaves_the_old_file(written: Path, tmp_path: Path) -> None:
    target = tmp_path / "kept.explainer"
    target.write_bytes(b"old")
    code = (
        "import resource, signal, sys\n"
        "from latent_explorer.models.explainer_file import read_explainer, write_explainer\n"
        "from latent_explorer.common.errors import UserError\n"
        "explainer = read_explainer(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
        "try:\n    write_explainer(explainer, sys.argv[2])\n"
        "except UserError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, written, target], capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["kept.explainer"]


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    target = tmp_path / "x.explainer"
    diverged = make_explainer()
    diverged.generator.synthesis.b4.const[0, 0, 0] = 1e6  # infinite in half precision
    with pytest.raises(UserError, match=r"synthesis\.b4\.const"):
        write_explainer(diverged, target)
    foreign = make_explainer()
    foreign.conditioned_on = "0" * 64
    with pytest.raises(UserError, match="conditioned on"):
        write_explainer(foreign, target)
    unplain = make_explainer()
    unplain.figures = {"a": object()}
    with pytest.raises(UserError, match="plain values"):
        write_explainer(unplain, target)
    with pytest.raises(UserError, match="cannot be written"):
        write_explainer(make_explainer(), Path(os.devnull) / "x.explainer")
    assert not target.exists()


def test_reading_stays_light(written: Path) -> None:
    """Import few modules: computing on the meta device would import 900, sympy among them."""
    code = (
        "import sys\n"
        "from latent_explorer.models.explainer_file import read_explainer\n"
        "known = len(sys.modules)\n"
        "read_explainer(sys.argv[1])\n"
        "print(len(sys.modules) - known)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, written], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_weightless_networks_have_the_shapes_of_real_ones(architecture: str) -> None:
    config = ClassifierConfig("x", architecture, ("a", "b", "c"), Preprocessing(32), widths=(4, 6))
    real = Classifier(config)
    with SkipInit():
        light = Classifier(config)
    shapes = {name: (t.shape, t.dtype) for name, t in real.state_dict().items()}
    assert {name: (t.shape, t.dtype) for name, t in light.state_dict().items()} == shapes
    assert all(t.is_meta for t in light.parameters())
    assert torch.equal(light.mean, real.mean)


def test_reading_warns_of_nothing(written: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_explainer(written)
