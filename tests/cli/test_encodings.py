# SPDX-License-Identifier: MIT
"""Text on old encodings, names that are not UTF-8, and folders of the user that cannot be written."""

from __future__ import annotations

import codecs
import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latent_explorer import bootstrap
from latent_explorer.cli import root as root_module
from latent_explorer.cli.output import Output, write_json
from latent_explorer.common import log, paths
from latent_explorer.common.events import Notice, Progress
from latent_explorer.common.format import plain_stand_in, valid_text

ROOT = Path(__file__).resolve().parents[2]
SIGNS = "\N{MINUS SIGN}0.5 \N{EN DASH} κ 1 ≥ 2 × é → 中 \N{THIN SPACE}|"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1", "shift_jis", "utf-8"])
def test_every_encoding_prints_every_text(monkeypatch, encoding):
    """stdout and stderr are pipes in an old encoding, prepared as at the start of the program."""
    pipes = [io.BytesIO(), io.BytesIO()]
    streams = [io.TextIOWrapper(pipe, encoding=encoding, newline="") for pipe in pipes]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    bootstrap.prepare()
    plain = Output(as_json=False)
    plain.event(Notice(SIGNS))
    plain.result({}, SIGNS)
    plain.failed(f"{SIGNS} \udcff", "user")
    Output(as_json=True).result({"text": SIGNS, "\udcffname": Path("a\udcff")})
    monkeypatch.undo()
    out, err = (pipe.getvalue() for pipe in pipes)
    assert out.startswith({"utf-8": SIGNS[:20].encode(), "shift_jis": b"\x81|0.5"}.get(encoding, b"-0.5 "))
    assert b"latent-explorer: " in err
    said = json.loads(out.splitlines()[-1].decode("utf-8"))
    assert said == {"event": "result", "text": SIGNS, "\N{REPLACEMENT CHARACTER}name": "a\N{REPLACEMENT CHARACTER}"}


def test_what_stands_for_a_sign_is_plain():
    codecs.register_error("plain", plain_stand_in)
    assert "−1 – é × ≥ κ … “x” ½".encode("ascii", "plain") == b'-1 - e x >= kappa ... "x" ?'
    assert "é −".encode("cp1252", "plain") == b"\xe9 -"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", "plain")


def test_a_pipe_in_an_old_encoding_gets_the_result(file, tmp_path):
    """The whole program, as a child of a program that expects ASCII."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    code = (
        "from latent_explorer import bootstrap; bootstrap.prepare();"
        f"signs = {SIGNS!r}; print(signs);"
        "from latent_explorer.cli.output import Output; Output(as_json=True).result(dict(x=signs))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"-0.5 - kappa 1 >= 2 x e -> ? ")
    assert json.loads(done.stdout.splitlines()[1].decode("utf-8"))["x"] == SIGNS


def test_a_result_that_is_not_a_number_is_null_in_a_file(tmp_path):
    """JSON has no NaN; names of old archives are not always UTF-8."""
    path = tmp_path / "results" / "x.json"
    write_json(path, {"share": float("nan"), "name": "a\udcff", "rows": np.arange(2), "path": tmp_path})
    assert path.read_text("utf-8").startswith('{\n  "share": null,\n')
    found = json.loads(path.read_text("utf-8"), parse_constant=pytest.fail)
    assert found["rows"] == [0, 1]
    assert found["path"] == str(tmp_path)


# -------------------------------------------------------------------------------------------- names that are not UTF-8


@pytest.fixture
def odd(tmp_path) -> Path:
    """A folder whose name is not UTF-8, as old archives unpack."""
    folder = tmp_path / os.fsdecode(b"bl\xe4tter")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    return folder


def photo(path: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)).save(path, "PNG")
    return path


def test_names_that_are_not_utf_8_do_not_end_the_work(file, odd, run_json):
    model = odd / os.fsdecode(b"\xff.explainer")
    model.write_bytes(file.read_bytes())
    assert run_json("info", model)["num_styles"]
    made = run_json("project", model, photo(odd / os.fsdecode(b"\xe4.png")), "--steps", "2", "--out", odd / "out")
    assert made["projections"][0]["name"] == "\N{REPLACEMENT CHARACTER}.png"
    assert json.loads((odd / "out" / "summary.json").read_text(encoding="utf-8"))["n"] == 1
    named = odd / os.fsdecode(b"\xfe.explainer")
    assert run_json("name", model, "--note", "a", "--out", named)["path"] == valid_text(str(named))
    assert run_json("generate", named, "--seeds", "0", "--out", odd / "pictures")["images"]
    run_json("sheet", named, "--kind", "truncation", "--seeds", "0", "--out", odd / "sheet.pdf")


def test_a_classifier_is_trained_on_such_a_folder(discs, odd, run_json):
    data = odd / os.fsdecode(b"s\xe4t")
    os.symlink(discs, data)
    # The real path is what is stored: copy one picture of each class into a folder of such a name.
    folder = odd / os.fsdecode(b"d\xe4ta")
    for name in ("red", "green"):
        (folder / name).mkdir(parents=True)
    pictures = sorted(discs.rglob("*.png"))
    for number, picture in enumerate(pictures):
        (folder / ("red" if number % 2 else "green") / picture.name).write_bytes(picture.read_bytes())
    settings = [f"--set={each}" for each in ("steps=2", "resolution=16")]
    made = run_json("train-classifier", folder, "--out", odd / "x.classifier", *settings)
    assert made["event"] == "result"
    assert run_json("info", odd / "x.classifier")["event"] == "result"
    said = run_json("train", folder, "--out", odd / "run", code=1)
    assert "is not UTF-8" in said["message"]
    assert not (odd / "run").exists()


def test_a_name_that_slips_through_is_a_sentence(monkeypatch, run_json):
    import click

    from latent_explorer.cli.output import json_option

    @click.command("probe")
    @json_option
    def probe(as_json: bool) -> None:
        "a\udcff".encode()

    monkeypatch.setitem(root_module.root.commands, "probe", probe)
    assert "is not UTF-8" in run_json("probe", code=1)["message"]


# ------------------------------------------------------------------------------------------------ folders and the log


@pytest.fixture
def no_home(monkeypatch) -> None:
    """The user's folders cannot be made, also for root."""
    for name in ("DATA", "CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", "/dev/null/home")
    monkeypatch.delenv("LATENT_EXPLORER_RUNS")


@pytest.fixture
def own_log(monkeypatch) -> logging.Logger:
    """A logger without the handlers of other tests."""
    logger = logging.getLogger("latent_explorer")
    monkeypatch.setattr(logger, "handlers", list(logger.handlers))
    monkeypatch.setattr(log, "_log_uncaught", lambda _logger: None)
    for handler in list(logger.handlers):
        if isinstance(handler, log._LogFile):
            logger.handlers.remove(handler)
    return logger


@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
def test_a_log_that_cannot_be_written_is_left_out(no_home, own_log, capsys):
    log.start_logging("test")
    own_log.info("a line")
    assert capsys.readouterr().err == ""


def test_a_log_takes_any_name(tmp_path, monkeypatch, own_log, capsys):
    monkeypatch.setattr(log, "log_path", lambda: tmp_path / "log.txt")
    log.start_logging("a\udcff")
    own_log.handlers[-1].close()
    assert capsys.readouterr().err == ""
    assert "a\\udcff" in (tmp_path / "log.txt").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
def test_commands_work_without_a_home(no_home, own_log, file, discs, tmp_path, run_json):
    run_json("generate", file, "--seeds", "0", "--out", tmp_path)
    assert run_json("runs")["runs"] == []
    assert (
        "The run folder could not be written" in run_json("train", discs, "--preset", "quick-look", code=1)["message"]
    )


def test_a_home_that_the_system_does_not_know_is_no_folder_of_the_current_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths.platformdirs, "user_cache_dir", lambda *_a, **_k: "~/.cache/latent-explorer")
    monkeypatch.setattr(Path, "mkdir", lambda *_a, **_k: None)
    assert paths.cache_dir() == Path(tmp_path.anchor) / ".cache" / "latent-explorer"


def test_progress_with_an_odd_name_reaches_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    Output(as_json=False).event(Progress(1, 2, "Reading a\udcff\x1b[31m"))
    terminal.getvalue().encode()
    assert "\x1b" not in terminal.getvalue()
