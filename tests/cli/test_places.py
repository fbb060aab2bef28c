# SPDX-License-Identifier: MIT
"""Arguments of every command: places to write are tried before the work, numbers are finite, addresses are paths."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from latent_explorer.cli import options
from latent_explorer.cli import output as output_module
from latent_explorer.cli import root as root_module
from latent_explorer.common import paths
from latent_explorer.common.errors import UserError

OUTPUTS = {"out", "into"}
# Commands with what they need beside --out; X is read only after the place was tried.
WRITING = {
    "attfind": ["missing.explainer"],
    "stylespace": ["missing.explainer"],
    "compare": ["missing.explainer", "one", "other"],
    "coverage": ["missing.explainer"],
    "directions": ["missing.explainer", "--method", "sefa"],
    "name": ["missing.explainer", "214max=spots"],
    "add-classifier": ["missing.explainer", "missing.classifier"],
    "evaluate": ["missing.explainer", "--images", "missing"],
    "report": ["missing.explainer"],
    "generate": ["missing.explainer"],
    "import": ["missing.pkl"],
    "import-classifier": ["missing.pt"],
    "replicate google": ["missing"],
    "replicate methods": ["missing.explainer"],
    "project": ["missing.explainer", "missing.png"],
    "explain-photo": ["missing.explainer", "missing.png"],
    "mistakes": ["missing.explainer", "missing"],
    "evidence": ["missing.explainer", "missing"],
    "check": ["missing"],
    "train-classifier": ["missing"],
    "train": ["missing", "--label", "x"],
    "train-encoder": ["missing.explainer"],
    "export": ["missing"],
    "animate": ["missing.explainer", "missing.json"],
    "sheet": ["missing.explainer"],
    "export-all": ["missing.explainer"],
    "sweep": ["missing.explainer"],
    "demo": [],
    "study build": ["missing.explainer"],
    "study score": ["missing.json", "--key", "missing.json"],
    "study columns": ["missing.csv"],
}
CODE = {"check": 2}  # of errors; 1 is an answer of it
SUFFIX = {"report": ".html", "animate": ".gif", "sheet": ".png", "study columns": ".csv"}


def commands() -> Iterator[tuple[str, click.Command]]:
    for name, command in root_module.root.commands.items():
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())
        else:
            yield name, command


def entries(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_every_argument_has_one_of_our_types():
    for name, command in commands():
        for param in command.params:
            where = f"{name} {param.name}"
            if isinstance(param.type, click.Path):
                assert isinstance(param.type, options.LocalPath), where
            if param.name in OUTPUTS:
                assert isinstance(param.type, options.OutputPath), where
            if isinstance(param.type, click.types.FloatParamType):
                assert isinstance(param.type, options.Number), where
            if isinstance(param.type, click.types.IntParamType):
                assert isinstance(param.type, click.IntRange), where
    assert set(WRITING) == {name for name, command in commands() if OUTPUTS & {p.name for p in command.params}}


@pytest.mark.parametrize("name", sorted(WRITING))
def test_a_place_that_cannot_be_written_is_said_before_the_work(name, tmp_path, run_json):
    (tmp_path / "blocked").write_text("a file")
    out = tmp_path / "blocked" / "sub" / f"x{SUFFIX.get(name, '')}"
    said = run_json(*name.split(), *WRITING[name], "--out", out, code=CODE.get(name, 1))
    assert f"{out.name} cannot be written" in said["message"]
    assert entries(tmp_path) == ["blocked"]


@pytest.mark.parametrize("name", sorted(set(WRITING) - {"demo", "study columns"}))
def test_a_try_leaves_no_folder_behind(name, tmp_path, monkeypatch, run_json):
    monkeypatch.chdir(tmp_path)
    run_json(*name.split(), *WRITING[name], "--out", f"new/sub/x{SUFFIX.get(name, '')}", code=CODE.get(name, 1))
    assert entries(tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("file", "folder", "is a folder or a device"),
        ("file", "/dev/null", "is a folder or a device"),
        ("folder", "file", "is a file"),
        ("new folder", "full", "not empty"),
        ("file", "x" * 300, "shorter name"),
        ("folder", "file/below", "cannot be written"),
    ],
)
def test_what_cannot_be_written(tmp_path, kind, name, sentence):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "full" / "inner").mkdir(parents=True)
    before = entries(tmp_path)
    with pytest.raises(UserError, match=sentence):
        paths.check_writable(tmp_path / name, kind)
    assert entries(tmp_path) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_noticed_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(paths.tempfile, "TemporaryFile", lambda dir: io.FileIO("/dev/full", "r+"))
    with pytest.raises(UserError, match="No space left"):
        paths.check_writable(tmp_path / "x.gif")


def test_parents_are_made_alike(file, tmp_path, run_json):
    run_json("name", file, "--note", "a note", "--out", tmp_path / "a/b/named.explainer")
    run_json("generate", file, "--seeds", "0", "--raw", "--out", tmp_path / "c/d")
    run_json("sheet", file, "--kind", "truncation", "--seeds", "0", "--out", tmp_path / "e/f/sheet.png")
    made = {name for name in entries(tmp_path) if "." in name}
    assert made == {"a/b/named.explainer", "c/d/seed0000.png", "c/d/pictures.npz", "e/f/sheet.png"}


@pytest.mark.parametrize("name", ["n" * 242 + ".explainer", "Ж" * 121 + ".explainer", "n." + "e" * 250])
def test_the_longest_legal_names_can_be_written(tmp_path, name):
    with paths.atomic_output(tmp_path / name) as temporary:
        temporary.write_text("x")
    assert entries(tmp_path) == [name]
    folder = tmp_path / ("f" * 255)
    with paths.atomic_output_folder(folder) as temporary:
        (temporary / "x").touch()
    assert folder.is_dir()


def test_a_name_made_of_a_title_fits_every_system():
    assert len(os.fsencode(paths.safe_file_name("\N{CJK UNIFIED IDEOGRAPH-20000}" * 100))) <= 200


@pytest.mark.skipif(os.name != "posix", reason="paths of POSIX")
@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("file:///a/b%20c.png", "/a/b c.png"),
        ("file://localhost/a", "/a"),
        ("FILE:///a", "/a"),
        ("file:/a/b", "/a/b"),
        ("file:///a/%C3%A4", "/a/ä"),
        ("file:///a/%FF", "/a/\udcff"),
        ("file:///a/100%", "/a/100%"),
        ("file.png", "file.png"),
        ("file:name", "file:name"),
        ("/a%20b", "/a%20b"),
        ("http://x/y", "http://x/y"),
    ],
)
def test_addresses_of_files_are_paths(address, path):
    assert options.path_of_address(address) == path


@pytest.mark.skipif(os.name != "posix", reason="hosts are network drives on Windows")
def test_an_address_on_another_computer_is_refused():
    with pytest.raises(UserError, match="another computer"):
        options.path_of_address("file://server/share/x.png")


def test_commands_take_addresses(file, tmp_path, run_json):
    assert run_json("info", file.as_uri())["num_styles"]
    run_json("generate", file.as_uri(), "--seeds", "0", "--out", (tmp_path / "a b").as_uri())
    assert entries(tmp_path) == ["a b", "a b/seed0000.png"]


def numbers() -> list[tuple[str, str]]:
    return [
        (name, param.opts[0])
        for name, command in commands()
        for param in command.params
        if isinstance(param.type, options.Number)
    ]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "NaN", "1e300", "-1e40"])
@pytest.mark.parametrize(("name", "option"), numbers())
def test_numbers_are_finite(name, option, value, tmp_path, run_json):
    said = run_json(*name.split(), *WRITING[name], option, value, "--out", tmp_path / "x", code=CODE.get(name, 1))
    assert option in said["message"]
    assert entries(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("sheet", "--psis", "0,nan"),
        ("sheet", "--psis", "1e300"),
        ("generate", "--seeds", "9" * 5000),
        ("generate", "--seeds", str(2**63)),
        ("export-all", "--budget", "9" * 400 + "MB"),
        ("project", "--set", "lr=nan"),
        ("project", "--set", "l2=inf"),
        ("project", "--seed", str(2**64)),
        ("attfind", "--seed", "-1"),
        ("study build", "--seed", "-1"),
        ("study build", "--tile", str(10**30)),
        ("train", "--set", "lr=nan"),
        ("train", "--set", "images=1e400"),
    ],
)
def test_numbers_within_texts_are_finite(name, option, value, file, tmp_path, run_json):
    needed = [file if each == "missing.explainer" else each for each in WRITING[name]]
    out = tmp_path / f"x{SUFFIX.get(name, '')}"
    said = run_json(*name.split(), *needed, option, value, "--out", out, code=CODE.get(name, 1))
    assert said["event"] == "error"
    assert said["kind"] == "user"
    assert len(said["message"]) < 400
    assert entries(tmp_path) == []


# ---------------------------------------------------------------------------------------- signals and full disks


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_nothing_behind(number, tmp_path, monkeypatch, run_json):
    @click.command("probe")
    @output_module.json_option
    def probe(as_json: bool) -> None:
        with paths.atomic_output(tmp_path / "new" / "x.gif") as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 5)  # the handler runs before the next line
            raise AssertionError("the signal was not heard")

    monkeypatch.setitem(root_module.root.commands, "probe", probe)
    before = signal.getsignal(number)
    assert run_json("probe", code=130) == {"event": "error", "kind": "interrupt", "message": "Interrupted."}
    assert entries(tmp_path) == []
    assert signal.getsignal(number) == before


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_signal_that_is_ignored_stays_ignored(monkeypatch, run_json):
    """`nohup` starts commands that go on when the terminal is closed."""

    @click.command("probe")
    @output_module.json_option
    def probe(as_json: bool) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        output_module.Output(as_json=as_json).result({"went": "on"})

    monkeypatch.setitem(root_module.root.commands, "probe", probe)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run_json("probe")["went"] == "on"
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("json_too", [["--json"], []])
def test_output_onto_a_full_disk_is_one_sentence(file, json_too):
    command = [sys.executable, "-P", str(Path(__file__).resolve().parents[2] / "main.py"), "info", str(file), *json_too]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.stderr == "latent-explorer: No space left on device. Free some space, or write to another place.\n"
    assert done.returncode == 1


def test_notes_onto_a_full_disk_do_not_end_the_work(monkeypatch, capsys):
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Full())
        output = output_module.Output(as_json=False)
        output.event(output_module.Notice("a note"))
        output.result({}, "done")
    assert capsys.readouterr().out == "done\n"
