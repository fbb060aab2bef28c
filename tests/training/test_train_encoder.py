# SPDX-License-Identifier: MIT
"""Training of an encoder: it learns, can be resumed, and projections start from the result."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from projection_runs import changed, pictures_of_seeds, plain_explainer, projected, without_encoder

from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.training.config import EncoderTraining
from latent_explorer.training.train_encoder import train_encoder

TINY = EncoderTraining(images=160, batch=8, widest=16, hidden=16)


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


def test_it_learns_to_read_w(tmp_path: Path) -> None:
    config = EncoderTraining(images=1600, batch=16, widest=16, hidden=32, picture=0.0, lr=5e-3)
    model = plain_explainer()
    found = run_job(train_encoder(model, config, tmp_path / "state.pt"))
    assert found is not None
    figures = found.figures["encoder"]
    assert figures["w_error"] < 0.7
    assert figures["feature_distance"] < figures["mean_feature_distance"]
    assert not (tmp_path / "state.pt").exists()
    assert model.encoder is None
    photo = pictures_of_seeds(model, range(7, 8))
    picture = projected(found, photo, changed(steps=0)).found[0]
    assert picture.report.start == "encoder"


def test_a_generator_that_is_told_classes(tiny_explainer, tmp_path: Path) -> None:
    found = run_job(train_encoder(without_encoder(tiny_explainer), TINY, tmp_path / "state.pt"))
    assert found is not None
    assert found.encoder is not None
    assert found.model_hash != tiny_explainer.model_hash
    assert found.provenance["encoder"]["images"] == 160


def test_an_interrupted_one_goes_on_to_the_same_end(tmp_path: Path) -> None:
    model, state = plain_explainer(), tmp_path / "state.pt"
    whole = run_job(train_encoder(model, TINY, tmp_path / "other.pt"))
    asked = iter([None] * 7 + ["pause"])
    assert run_job(train_encoder(model, TINY, state, should_stop=lambda: next(asked))) is None
    with pytest.raises(UserError, match="--resume"):
        run_job(train_encoder(model, TINY, state))
    with pytest.raises(UserError, match="other settings"):
        run_job(train_encoder(model, EncoderTraining(), state, resume=True))
    parts = run_job(train_encoder(model, TINY, state, resume=True))
    assert whole is not None
    assert parts is not None
    assert parts.model_hash == whole.model_hash


def test_a_closed_one_keeps_its_state(tmp_path: Path) -> None:
    job = train_encoder(plain_explainer(), TINY, tmp_path / "state.pt")
    next(job)
    job.close()
    assert (tmp_path / "state.pt").exists()


def test_one_that_fails_keeps_its_state(tmp_path: Path) -> None:
    def fail_late() -> None:
        if next(steps) == 3:
            raise MemoryError

    steps = itertools.count()
    with pytest.raises(MemoryError):
        run_job(train_encoder(plain_explainer(), TINY, tmp_path / "state.pt", should_stop=fail_late))
    assert (tmp_path / "state.pt").exists()


def test_one_that_has_an_encoder_needs_none(tiny_explainer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has an encoder already"):
        run_job(train_encoder(tiny_explainer, TINY, tmp_path / "state.pt"))


def test_no_state_and_no_sound_one_are_sentences(tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    with pytest.raises(UserError, match="Leave out --resume"):
        run_job(train_encoder(plain_explainer(), TINY, state, resume=True))
    state.write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be read"):
        run_job(train_encoder(plain_explainer(), TINY, state, resume=True))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the window starts it: JSON lines as events, an explainer at the end."""
    file, out = tmp_path / "plain.explainer", tmp_path / "with.explainer"
    write_explainer(plain_explainer(), file)
    few = ["--images", "64", "--set", "batch=8", "--set", "widest=8"]
    assert main(["train-encoder", str(file), "--out", str(out), *few, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"progress", "metric", "result"} <= {line["event"] for line in lines}
    assert lines[-1]["finished"]
    model = read_explainer(out)
    assert model.encoder is not None
    assert model.model_hash == lines[-1]["model_hash"]
    assert np.isfinite(model.figures["encoder"]["w_error"])
    assert main(["train-encoder", str(out), "--out", str(out), "--json"]) == 1
