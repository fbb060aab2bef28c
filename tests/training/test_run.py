# SPDX-License-Identifier: MIT
"""Training of a run: exact resuming, and errors that leave a run folder that can be resumed."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import msgspec
import pytest
import torch
from tiny_training import FakePerceptual, same_tensors, started, tiny_config

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Metric, Notice, Preview
from latent_explorer.common.jobs import run_job
from latent_explorer.training import checkpoints as checkpoints_module
from latent_explorer.training.checkpoints import Checkpoints, score
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.export import select_checkpoint
from latent_explorer.training.loop import RunningMeans
from latent_explorer.training.run_folder import RunFolder
from latent_explorer.training.setup import check
from latent_explorer.training.stylex_trainer import Trainer
from latent_explorer.training.train import train


@pytest.fixture
def config(discs: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr("latent_explorer.training.setup.perceptual_for", FakePerceptual)
    monkeypatch.setattr("latent_explorer.training.train.LOG_EVERY", 2)
    return tiny_config(discs, classifier_file)


def figures(run: RunFolder) -> list[dict[str, float]]:
    """Return metrics.jsonl without values that depend on the clock."""
    rows, _ = run.metrics()
    return [{k: v for k, v in row.items() if k != "images_per_second"} for row in rows]


@pytest.mark.parametrize("images", [40, 56, 80])
def test_a_run_that_was_closed_goes_on_as_if_it_had_not_been(config: TrainConfig, tmp_path: Path, images: int) -> None:
    """Between two lines of figures, and among the events of one step, too."""
    straight = started(config, tmp_path / "straight")
    list(train(straight))
    halved = started(config, tmp_path / "halved")
    list(train(halved, should_stop=lambda: _newest(halved, images)))
    job = train(halved)
    while not isinstance(next(job), Metric | Preview):
        pass
    job.close()
    list(train(halved))
    assert figures(straight) == figures(halved)
    assert same_tensors(Checkpoints(straight).load(), Checkpoints(halved).load())


def _newest(run: RunFolder, images: int) -> bool:
    rows, _ = run.metrics()
    return bool(rows) and rows[-1]["images"] >= images


def test_two_newest_checkpoints_and_the_best_are_kept(config: TrainConfig, tmp_path: Path) -> None:
    run = started(msgspec.structs.replace(config, checkpoint_seconds=0.0), tmp_path / "run")
    list(train(run))
    names = sorted(path.name for path in run.checkpoints.iterdir())
    assert names == ["00000152.pt", "00000160.pt", "best.pt"]
    state = Checkpoints(run).load()
    assert Checkpoints(run).load_best()["best"] == state["best"] <= state["last"]


def test_the_score_lets_neither_half_count_alone() -> None:
    blobs = {"val_lpips_ratio": 0.9, "val_agreement": 0.99}
    sharp = {"val_lpips_ratio": 0.6, "val_agreement": 0.94}
    wrong = {"val_lpips_ratio": 0.55, "val_agreement": 0.6}
    assert min((blobs, sharp, wrong), key=score) is sharp  # type: ignore[arg-type,type-var]
    assert score({"val_frechet_mapping": 3.0}) == 3.0
    assert score({"l1": 1.0}) is None


def test_an_export_takes_the_newest_unless_a_run_at_its_end_was_better_before(
    config: TrainConfig, tmp_path: Path
) -> None:
    run = started(config, tmp_path)
    kept = Checkpoints(run)
    kept.save_best({"images": 80, "best": 0.5, "last": 0.5})
    kept.save({"images": 120, "best": 0.5, "last": 0.6})
    assert select_checkpoint(run)["images"] == 120
    assert select_checkpoint(run, best=True)["images"] == 80
    kept.save({"images": 160, "best": 0.5, "last": 0.6})
    assert select_checkpoint(run)["images"] == 80
    kept.save_best({"images": 160, "best": 0.4, "last": 0.4})
    kept.save({"images": 160, "best": 0.4, "last": 0.4})
    assert select_checkpoint(run)["images"] == 160


def test_a_folder_with_a_run_is_not_overwritten(config: TrainConfig, tmp_path: Path) -> None:
    started(config, tmp_path)
    with pytest.raises(UserError, match="--resume"):
        started(config, tmp_path)


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(config: TrainConfig, tmp_path: Path) -> None:
    run = started(config, tmp_path)
    Checkpoints(run).save({"images": 1})
    Checkpoints(run).save({"images": 2})
    newest = run.checkpoints / "00000002.pt"
    newest.write_bytes(b"PK\x03\x04 cut off")
    assert Checkpoints(run).load()["images"] == 1
    # A byte of a name inside it: torch then raises KeyError or UnicodeDecodeError.
    torch.save({"images": 2, "bank": torch.zeros(3)}, newest)
    newest.write_bytes(newest.read_bytes().replace(b"FloatStorage", b"Flo\xe1tStorage"))
    assert Checkpoints(run).load()["images"] == 1
    (run.checkpoints / "00000001.pt").write_bytes(b"")
    with pytest.raises(UserError, match="no checkpoint that can be read"):
        Checkpoints(run).load()


def test_an_export_finds_a_checkpoint_whatever_a_training_writes_meanwhile(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both listed checkpoints are deleted before they are opened."""
    run = started(config, tmp_path)
    kept = Checkpoints(run)
    kept.save({"images": 8})
    read, left = torch.load, [1]

    def slow(*args: object, **more: object) -> object:
        if left[0]:
            left[0] -= 1
            for images in (16, 24):
                kept.save({"images": images})
            kept.save({"images": 32})
        return read(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(checkpoints_module.torch, "load", slow)
    assert kept.load()["images"] == 32


def _diverging(monkeypatch: pytest.MonkeyPatch, images: int, times: int) -> None:
    """Make weights NaN at a step, `times` times."""
    step, left = Trainer.step, [times]

    def diverging(trainer: Trainer) -> dict[str, torch.Tensor]:
        logged = step(trainer)
        if trainer.images == images and left[0]:
            left[0] -= 1
            with torch.no_grad():
                next(iter(trainer.networks.G.parameters())).fill_(torch.nan)
        return logged

    monkeypatch.setattr(Trainer, "step", diverging)


def test_a_training_that_diverges_is_taken_back_with_half_the_learning_rate(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _diverging(monkeypatch, images=88, times=2)
    run = started(msgspec.structs.replace(config, checkpoint_seconds=0.0), tmp_path)
    notices = [event for event in train(run) if isinstance(event, Notice)]
    warnings = [notice for notice in notices if notice.severity == "warning"]
    assert len(warnings) == 2
    assert "goes on from 80 images" in warnings[0].text
    state = Checkpoints(run).load()
    assert (state["images"], state["lr_scale"], state["taken_back"]) == (160, 0.25, 2)
    images = [row["images"] for row in figures(run) if "l1" in row]
    assert images == sorted(set(images))


def test_a_training_that_diverges_again_and_again_is_given_up(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _diverging(monkeypatch, images=88, times=99)
    run = started(msgspec.structs.replace(config, checkpoint_seconds=0.0), tmp_path)
    with pytest.raises(UserError, match="rolled back 3 times"):
        list(train(run))
    state = Checkpoints(run).load()
    assert state["images"] == 80
    assert all(t.isfinite().all() for t in state["networks"]["G"].values())


def test_sums_of_losses_that_a_checkpoint_held_are_where_the_losses_are() -> None:
    """Also for a loss that is not computed in every step."""
    means = RunningMeans()
    state = {"sums": {"l1": torch.ones([]), "r1": torch.ones([])}, "counts": {"l1": 1, "r1": 1}}
    means.load_state(state, torch.device("meta"))
    assert {total.device.type for total in means.state()["sums"].values()} == {"meta"}


def test_what_can_be_refused_is_refused_before_a_picture_is_read(config: TrainConfig, tmp_path: Path) -> None:
    wrong = {
        "a batch has 8 pictures": {"mapped": 6, "repaired": 6},
        "3 widths make 16 px": {"resolution": 32},
        "cannot be|no file|There is no": {"classifier": str(tmp_path / "gone.classifier")},
        "There is no file": {"init": str(tmp_path / "gone.explainer")},
        "not an explainer": {"init": config.classifier},
        "There is no": {"data": msgspec.structs.replace(config.data, path=str(tmp_path / "gone"))},
    }
    run = RunFolder(tmp_path / "run")
    check(config, run)
    for sentence, changes in wrong.items():
        with pytest.raises(UserError, match=sentence):
            check(msgspec.structs.replace(config, **changes), run)


def test_pictures_that_vanish_are_named_when_a_run_goes_on(
    config: TrainConfig, discs: Path, classifier_file: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(discs, tmp_path / "data"))
    file = Path(shutil.copy(classifier_file, tmp_path / "mine.classifier"))
    run = started(tiny_config(data, file), tmp_path / "run")
    job = train(run)
    for event in job:
        if isinstance(event, Metric):
            break
    file.unlink()  # nothing is wanted of it any more
    shutil.move(data, tmp_path / "moved")
    while not isinstance(next(job), Preview):
        pass
    job.close()
    with pytest.raises(UserError, match="data"):
        list(train(run))
    shutil.move(tmp_path / "moved", data)
    shutil.move(data / "red" / "7.png", tmp_path / "7.png")
    with pytest.raises(UserError, match=r"1 are missing: red/7\.png"):
        list(train(run))
    shutil.move(tmp_path / "7.png", data / "red" / "7.png")
    assert run_job(train(run)) is True


def test_a_training_goes_on_without_pictures_that_cannot_be_read(
    discs: Path, config: TrainConfig, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(discs, tmp_path / "data"))
    (data / "green" / "3.png").write_bytes(b"")
    (data / "red" / "5.png").write_bytes(b"no picture")
    config = msgspec.structs.replace(config, data=DataConfig(str(data)))
    run = started(config, tmp_path / "run")
    told = [event.text for event in train(run) if isinstance(event, Notice)]
    assert sum("left out: green/3.png, red/5.png" in text for text in told) == 1
    left_out = run.provenance()["data"]["left_out"]
    assert left_out == ["green/3.png", "red/5.png"]
    # Mended in between, they stay out: the order of the pictures is the beginning's.
    shutil.copy(discs / "green" / "3.png", data / "green" / "3.png")
    run.change_config(msgspec.structs.replace(config, images=200))
    list(train(run))
    assert Checkpoints(run).load()["images"] == 200
    assert run.provenance()["data"]["left_out"] == left_out
    # One more that breaks is another matter.
    (data / "red" / "6.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"1 are missing: red/6\.png"):
        list(train(run))


def test_without_lpips_a_training_goes_by_the_feature_distance(
    discs: Path, classifier_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # no weights there
    run = started(tiny_config(discs, classifier_file), tmp_path / "run")
    list(train(run))
    assert run.provenance()["perceptual"] == "feature distance"
    rows = figures(run)
    assert not any("lpips" in name for row in rows for name in row)
    assert all("feature_distance" in row for row in rows if "l1" in row)
    last = next(row for row in reversed(rows) if "val_feature_distance_ratio" in row)
    assert last["val_feature_distance"] > 0
    assert Checkpoints(run).load()["last"] == pytest.approx(
        last["val_feature_distance_ratio"] + 1 - last["val_agreement"]
    )


@pytest.mark.parametrize("part", ["checkpoint", "sheet", "metrics"])
def test_a_full_disk_is_a_sentence_and_the_run_can_go_on(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    config = msgspec.structs.replace(config, checkpoint_seconds=0.0)
    straight, run = started(config, tmp_path / "straight"), started(config, tmp_path / "run")
    list(train(straight))
    with monkeypatch.context() as patch:
        _fill_disk(patch, part)
        with pytest.raises(UserError, match=r"could not be written.*No space left.*--resume"):
            list(train(run))
    assert not [path for path in run.path.rglob(".*") if path.is_file()]  # no half-written files
    list(train(run))
    assert figures(straight) == figures(run)
    assert same_tensors(Checkpoints(straight).load(), Checkpoints(run).load())


def _fill_disk(patch: pytest.MonkeyPatch, part: str) -> None:
    """Raise "no space left" for one kind of file, in the middle of the run."""
    full = OSError(errno.ENOSPC, "No space left on device")
    left = [3]

    def write(*arguments: object, **_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise full

    if part == "checkpoint":
        real = torch.save

        def save(state: object, path: Path) -> None:
            real(state, path)
            write()

        patch.setattr(checkpoints_module.torch, "save", save)
    elif part == "sheet":
        left[0] = 0
        patch.setattr("PIL.Image.Image.save", write)
    else:
        real_open = Path.open

        def open_(path: Path, mode: str = "r", *rest: object, **more: object) -> object:
            if path.name == "metrics.jsonl" and "a" in mode:
                write()
            return real_open(path, mode, *rest, **more)  # type: ignore[call-overload]

        patch.setattr(Path, "open", open_)


def test_figures_that_a_crash_cut_off_are_forgotten(config: TrainConfig, tmp_path: Path) -> None:
    run = started(config, tmp_path)
    for images in (8, 16, 24):
        run.append_metrics(images, {"l1": 0.5})
    with run.metrics_file.open("a") as file:
        file.write('{"images": 3')
    rows, offset = run.metrics()
    assert [row["images"] for row in rows] == [8, 16, 24]
    run.drop_metrics_after(16)
    again, _ = run.metrics(offset)  # the file is shorter now: from the beginning
    assert [row["images"] for row in again] == [8, 16]
    run.append_metrics(24, {"l1": 0.25, "kl": float("nan")})
    assert run.metrics(run.metrics()[1]) == ([], run.metrics()[1])
    assert run.metrics()[0][-1] == {"images": 24, "l1": 0.25}
