# SPDX-License-Identifier: MIT
"""`train`, `runs` and `stop`: what their options mean, what is refused early, and how an end is asked for."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest
from tiny_training import tiny_config, write_discs

from latent_explorer.cli.root import main
from latent_explorer.cli.stop_request import StopRequest
from latent_explorer.common.paths import runs_dir
from latent_explorer.data.threads import cores
from latent_explorer.training.run_folder import RunFolder, RunStatus
from latent_explorer.training.settings import train_config


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("discs"), count=40)


@pytest.fixture
def run(discs: Path) -> RunFolder:
    """A run among the user's."""
    run = RunFolder(runs_dir() / "discs, quick look")
    shutil.rmtree(run.path, ignore_errors=True)
    run.create(tiny_config(discs, "discs.classifier"))
    run.write_status(RunStatus("paused", "explainer", "Paused.", images=80, total=160))
    run.append_metrics(80, {"val_lpips": 0.4, "val_agreement": 0.9})
    return run


def test_a_preset_then_options_then_settings(discs: Path) -> None:
    config = train_config(
        str(discs), preset="quick-look", settings={"kl": 1.5, "classifier.batch": 16, "images": 100, "device": "cpu"}
    )
    assert (config.resolution, config.images, config.kl, config.device) == (32, 100, 1.5, "cpu")
    own = config.classifier_training
    assert own is not None
    assert (own.resolution, own.batch, own.data) == (32, 16, config.data)


def test_a_classifier_of_other_pictures_has_the_options_of_labels(discs: Path) -> None:
    config = train_config("pictures", classifier_data=str(discs), label="healthy", group="plant")
    own = config.classifier_training
    assert own is not None
    assert (own.data.path, own.data.label, own.data.group) == (str(discs), "healthy", "plant")
    assert (config.data.label, config.data.group) == (None, None)
    assert train_config("pictures", classifier="a.classifier").classifier_training is None


def test_what_cannot_be_meant_is_refused_before_anything_is_made(discs: Path, tmp_path: Path, run_json) -> None:
    out, plain = tmp_path / "run", tmp_path / "plain"
    shutil.copytree(discs / "red", plain)
    for words, args in {
        "DATA": (),
        "quick-look": (discs, "--preset", "quick-lok"),
        "3 widths": (discs, "--set", "channels=8,8,8"),
        "at least 1": (discs, "--set", "r1_every=0"),
        "more than 0": (discs, "--set", "lr=nan"),
        "is explained": (discs, "--classifier", "a", "--classifier-data", "b"),
        "--label": (plain,),
        "gone.classifier": (discs, "--classifier", tmp_path / "gone.classifier"),
        "gone.explainer": (discs, "--init", tmp_path / "gone.explainer"),
        "no device": (discs, "--device", "abacus"),
    }.items():
        error = run_json("train", *args, "--out", out, code=1)
        assert error["event"] == "error"
        assert words in error["message"], (words, error["message"])
        assert not out.exists()


def test_a_run_that_goes_on_takes_no_other_pictures(run: RunFolder, discs: Path, tmp_path: Path, run_json) -> None:
    assert "--out" in run_json("train", "--resume", code=1)["message"]
    go_on = ("train", "--resume", "--out", run.path)
    assert "DATA" in run_json(*go_on[:2], discs, *go_on[2:], code=1)["message"]  # it has listed none yet
    (run.path / "pictures.txt").write_text("red/0.png\n")
    assert "79 have come since" in run_json(*go_on[:2], discs, *go_on[2:], code=1)["message"]
    assert "--set" in run_json(*go_on, "--set", "lr=1", code=1)["message"]
    assert "--label" in run_json(*go_on, "--label", "x", code=1)["message"]
    refused = run_json("train", discs, "--out", run.path, code=1)
    assert "--resume" in refused["message"]
    nowhere = run_json("train", "--resume", "--out", tmp_path / "none", code=1)
    assert "not a run folder" in nowhere["message"]


def test_runs_are_listed_with_how_they_stand(run: RunFolder, run_json, capsys: pytest.CaptureFixture[str]) -> None:
    (fields,) = [r for r in run_json("runs")["runs"] if r["run"] == str(run.path)]
    assert (fields["state"], fields["images"], fields["total"]) == ("paused", 80, 160)
    assert fields["figures"] == {"val_lpips": 0.4, "val_agreement": 0.9}
    assert main(["runs"]) == 0
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith(run.path.name))
    assert "paused" in line
    assert "80 of 160 images" in line
    assert "agreement 0.900" in line


def test_a_folder_without_runs_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 0
    assert "no runs" in capsys.readouterr().out


def test_stop_leaves_a_request_where_somebody_trains(run: RunFolder, run_json) -> None:
    assert "No training is running" in run_json("stop", run.path, code=1)["message"]
    with run.hold():
        assert run_json("stop", run.path.name)["asked"] == "stop"
        assert run.pop_request() == "stop"
        assert run_json("stop", run.path, "--pause")["asked"] == "pause"
        assert run.pop_request() == "pause"


@pytest.mark.parametrize("word", ["stop", "pause"])
def test_a_line_on_standard_input_is_a_request(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    chunks = iter([word[:2].encode(), word[2:].encode() + b"\n", b""])
    monkeypatch.setattr(os, "read", lambda _fd, _n: next(chunks))
    stop_request = StopRequest()
    stop_request.read_lines()
    assert stop_request() == word


def test_a_closed_input_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "read", lambda _fd, _n: b"")
    stop_request = StopRequest()
    stop_request.read_lines()
    assert stop_request() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_request_and_the_second_one_an_end(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    stop_request = StopRequest()
    before = signal.getsignal(number)
    with stop_request.on_signals():
        signal.raise_signal(number)
        assert stop_request() == "pause"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
    assert "Pausing" in capfd.readouterr().err


def test_signals_are_left_alone_outside_the_main_thread() -> None:
    stop_request, before, seen = StopRequest(), signal.getsignal(signal.SIGINT), []

    def elsewhere() -> None:
        with stop_request.on_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize("chosen", ["", "7"])
def test_a_core_is_left_to_the_rest_unless_a_number_is_chosen(
    chosen: str, monkeypatch: pytest.MonkeyPatch, run_json
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", chosen)
    if not chosen:
        monkeypatch.delenv("OMP_NUM_THREADS")
    run_json("train", "--resume", code=1)
    assert os.environ["OMP_NUM_THREADS"] == (chosen or str(max(1, cores() - 1)))
