# SPDX-License-Identifier: MIT
"""Pipeline from pictures to an explainer with attributes: every phase can end early and be resumed."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tiny_training import PERCEPTUAL_USERS, FakePerceptual, classifier_training, tiny_config

from latent_explorer.app.training.pipeline import run_pipeline
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Metric, Notice, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.training.config import TrainConfig
from latent_explorer.training.fit_mapping import FITTING
from latent_explorer.training.run_folder import RunFolder, RunStatus


@pytest.fixture
def config(discs: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    for user in PERCEPTUAL_USERS:
        monkeypatch.setattr(f"latent_explorer.training.{user}.perceptual_for", FakePerceptual)
    monkeypatch.setattr("latent_explorer.training.train.LOG_EVERY", 2)
    return tiny_config(discs, classifier_file, attributes=6, name="discs")


def ended(run: RunFolder) -> RunStatus:
    status = run.status()
    assert status is not None
    assert not run.is_alive()
    return status


def ask(run: RunFolder, what: str, at: type[Event], phase: str = "explainer") -> Any:
    """Run the whole training; make a request at the first event of a kind in a phase."""
    asked = False
    job = run_pipeline(run.path) if run.exists() else None
    assert job is not None
    for event in job:
        status = run.status()
        if not asked and isinstance(event, at) and status is not None and status.phase == phase:
            run.request(what)  # type: ignore[arg-type]
            asked = True
    assert asked


def test_the_whole_way_with_a_classifier_of_its_own(config: TrainConfig, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    own = classifier_training(Path(config.data.path))
    config = msgspec.structs.replace(config, classifier="", classifier_training=own)
    returned = run_job(run_pipeline(run.path, config, command=["latent-explorer", "train", "x"]))
    status = ended(run)
    assert returned == status
    assert (status.state, status.images, status.total) == ("finished", 160, 160)
    assert status.command == ["latent-explorer", "train", "x"]
    assert run.classifier.exists()
    model = read_explainer(run.result)
    assert model.name == "discs"
    assert model.attribute_sets[0].n == 6
    assert model.provenance["images"] == 160
    assert str(tmp_path) not in str(model.provenance)
    said = " ".join(run.log())
    for words in ("Training the classifier", "Training the explainer", "160 images", "Finished"):
        assert words in said
    assert not [e for e in run_pipeline(run.path) if isinstance(e, Metric)]  # nothing is left


def test_a_pause_writes_a_checkpoint_and_a_stop_also_the_result(config: TrainConfig, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(config)
    ask(run, "pause", Metric)
    assert ended(run).state == "paused"
    assert 0 < ended(run).images < 160
    assert not run.result.exists()
    ask(run, "stop", Metric)
    assert ended(run).state == "stopped"
    assert ended(run).images < 160
    assert not read_explainer(run.result).attribute_sets
    ask(run, "pause", Progress, phase="attributes")
    assert (ended(run).state, ended(run).images) == ("paused", 160)
    list(run_pipeline(run.path))
    assert ended(run).state == "finished"
    assert read_explainer(run.result).attribute_sets


def test_a_pause_while_the_explainer_is_written_leaves_that_for_later_and_a_stop_does_not(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latent_explorer.app.training.pipeline.STATUS_SECONDS", 0.0)
    run = RunFolder(tmp_path / "run")
    run.create(msgspec.structs.replace(config, mapping_steps=150))
    ask(run, "pause", Progress, phase="attributes")
    assert (ended(run).state, ended(run).images) == ("paused", 160)
    assert not run.result.exists()
    said = _told(run, "stop")
    fitting = [(e.done, status.phase_done) for e, status in said if e.message == FITTING]
    assert fitting == [(0, 0), (50, 50), (100, 100)]
    assert ended(run).state == "stopped"
    assert not read_explainer(run.result).attribute_sets


def _told(run: RunFolder, what: str) -> list[tuple[Progress, RunStatus]]:
    """What a run and its status say after the training, while it is asked for its end."""
    said = []
    for event in run_pipeline(run.path):
        status = run.status()
        if isinstance(event, Progress) and status is not None and status.phase == "attributes":
            run.request(what)  # type: ignore[arg-type]
            said.append((event, status))
    return said


def test_a_run_says_what_it_does_before_the_first_step(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latent_explorer.app.training.pipeline.STATUS_SECONDS", 0.0)
    monkeypatch.setattr("latent_explorer.training.verdicts.SAY_EVERY", 0.0)
    run = RunFolder(tmp_path / "run")
    run.create(config)
    said = []
    for event in run_pipeline(run.path):
        status = run.status()
        if status is not None and status.phase == "explainer" and status.state == "running":
            said.append((type(event), status.message))
    asked = [message for kind, message in said if kind is Notice and message.startswith("Asking the classifier")]
    assert asked
    assert {message for kind, message in said if kind is Progress} == {"Training the explainer."}


def test_a_pause_in_the_classifiers_phase_starts_that_again(config: TrainConfig, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    own = classifier_training(Path(config.data.path))
    run.create(msgspec.structs.replace(config, classifier="", classifier_training=own))
    ask(run, "pause", Progress, phase="classifier")
    assert (ended(run).state, ended(run).phase) == ("paused", "classifier")
    assert not run.classifier.exists()
    ask(run, "pause", Metric)
    assert run.classifier.exists()
    assert (ended(run).state, ended(run).phase) == ("paused", "explainer")


def test_a_wish_counts_like_a_request(config: TrainConfig, tmp_path: Path) -> None:
    list(run_pipeline(tmp_path / "run", config, stop_request=lambda: "pause"))
    assert ended(RunFolder(tmp_path / "run")).state == "paused"


def test_a_longer_run_makes_a_new_result(config: TrainConfig, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    short = msgspec.structs.replace(config, images=80, attributes=0)
    list(run_pipeline(run.path, short))
    assert not read_explainer(run.result).attribute_sets
    list(run_pipeline(run.path, changes={"images": 120, "attributes": 4}))
    model = read_explainer(run.result)
    assert model.provenance["images"] == 120
    assert model.attribute_sets[0].n == 4
    list(run_pipeline(run.path, changes={"images": 40}))  # it never becomes shorter
    assert ended(run).total == 120


def test_a_run_starts_from_an_explainer_and_says_so(config: TrainConfig, tmp_path: Path) -> None:
    short = msgspec.structs.replace(config, images=80, attributes=0)
    first, second = RunFolder(tmp_path / "first"), RunFolder(tmp_path / "second")
    list(run_pipeline(first.path, short))
    begun = read_explainer(first.result)
    list(run_pipeline(second.path, msgspec.structs.replace(short, init=str(first.result))))
    first.result.unlink()  # nothing is wanted of it any more
    list(run_pipeline(second.path, changes={"images": 120}))
    origin = second.provenance()["init"]
    assert (origin["name"], origin["model_hash"]) == (begun.name, begun.model_hash)
    assert read_explainer(second.result).provenance["init"] == origin


def test_a_device_that_is_not_there_is_refused_and_can_be_changed(config: TrainConfig, tmp_path: Path) -> None:
    """As for a run from a machine with a graphics card."""
    run = RunFolder(tmp_path)
    run.create(msgspec.structs.replace(config, device="cuda:9", images=40, attributes=0))
    for changes in ({}, {"device": "abacus"}):
        before = run.config()
        with pytest.raises(UserError, match="There is no device"):
            list(run_pipeline(run.path, changes=changes))
        assert run.config() == before
    list(run_pipeline(run.path, changes={"device": "cpu"}))
    assert ended(run).state == "finished"


def test_closing_is_a_pause(config: TrainConfig, tmp_path: Path) -> None:
    job = run_pipeline(tmp_path / "run", config)
    while not isinstance(next(job), Metric):
        pass
    job.close()
    run = RunFolder(tmp_path / "run")
    assert ended(run).state == "paused"
    list(run_pipeline(run.path, changes={"attributes": 0}))
    assert ended(run).state == "finished"


def test_a_fault_is_in_the_status_and_in_the_log(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    with monkeypatch.context() as patch:

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr("PIL.Image.Image.save", full)
        with pytest.raises(UserError, match="A sample sheet could not be written"):
            list(run_pipeline(run.path, config))
    assert ended(run).state == "failed"
    assert "No space left on device" in ended(run).message
    assert "No space left on device" in run.log()[-1]
    list(run_pipeline(run.path, changes={"attributes": 0}))
    assert ended(run).state == "finished"


def test_what_cannot_be_trained_leaves_no_folder(config: TrainConfig, tmp_path: Path) -> None:
    for wrong in (
        msgspec.structs.replace(config, classifier=""),
        msgspec.structs.replace(config, channels=(8, 8)),
        msgspec.structs.replace(config, classifier=str(tmp_path / "gone.classifier")),
    ):
        with pytest.raises(UserError):
            list(run_pipeline(tmp_path / "run", wrong))
        assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match="not a run folder"):
        list(run_pipeline(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_an_existing_run_and_a_living_one_are_refused(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latent_explorer.training.run_folder.LOCK_SECONDS", 0.0)
    run = RunFolder(tmp_path)
    run.create(config)
    with pytest.raises(UserError, match="holds a run already"):
        list(run_pipeline(run.path, config))
    with run.hold(), pytest.raises(UserError, match="Another process trains"):
        list(run_pipeline(run.path))


def test_a_plain_stylegan2_needs_no_classifier(config: TrainConfig, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    plain = msgspec.structs.replace(config, classifier="", mode="stylegan2", images=80)
    events = list(run_pipeline(run.path, plain))
    assert not [e for e in events if isinstance(e, Notice) and e.severity == "error"]
    model = read_explainer(run.result)
    assert model.encoder is None
    assert not model.classifiers
    assert ended(run).state == "finished"
