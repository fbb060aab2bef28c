# SPDX-License-Identifier: MIT
"""How commands end, and what they print for people and for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Generator

import click
import numpy as np
import pytest

from latent_explorer.cli import output as output_module
from latent_explorer.cli import root as root_module
from latent_explorer.cli.output import Output
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Metric, Notice, Preview, Progress


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | int]:
    """A command `probe` that raises or returns what the test puts into the list."""
    outcome: list[BaseException | int] = []

    @click.command("probe")
    @output_module.json_option
    def probe(as_json: bool) -> int:
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

    monkeypatch.setitem(root_module.root.commands, "probe", probe)
    return outcome


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("code", [0, 1])
def test_a_command_names_its_exit_code(command: list[BaseException | int], code: int) -> None:
    command.append(code)
    assert root_module.main(["probe"]) == code


def test_a_users_error_is_one_line_and_code_1(
    command: list[BaseException | int], capsys: pytest.CaptureFixture[str]
) -> None:
    command.append(UserError("The file is\nbroken."))
    assert root_module.main(["probe"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "latent-explorer: The file is broken.\n"
    assert captured.out == ""


def test_a_users_error_is_an_event_too(command: list[BaseException | int], capsys: pytest.CaptureFixture[str]) -> None:
    command.append(UserError("The file is broken."))
    assert root_module.main(["probe", "--json"]) == 1
    assert lines(capsys.readouterr().out) == [{"event": "error", "kind": "user", "message": "The file is broken."}]


def test_ctrl_c_ends_with_130(command: list[BaseException | int]) -> None:
    command.append(KeyboardInterrupt())
    assert root_module.main(["probe"]) == 130


def test_a_full_disk_is_said_in_one_line(
    command: list[BaseException | int], capsys: pytest.CaptureFixture[str]
) -> None:
    command.append(OSError(28, "No space left on device", "x.gif"))
    assert root_module.main(["probe"]) == 1
    assert (
        capsys.readouterr().err
        == "latent-explorer: No space left on device: x.gif. Free some space, or write to another place.\n"
    )


def test_a_defect_keeps_its_traceback_and_ends_the_stream(
    command: list[BaseException | int], capsys: pytest.CaptureFixture[str]
) -> None:
    command.append(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        root_module.main(["probe", "--json"])
    assert lines(capsys.readouterr().out)[-1]["kind"] == "defect"


def test_no_memory_is_said_in_one_line(command: list[BaseException | int], capsys: pytest.CaptureFixture[str]) -> None:
    command.append(MemoryError())
    assert root_module.main(["probe"]) == 1
    assert "memory" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["no-such-command"], ["info"], ["info", "--no-such-option"]])
def test_wrong_usage_is_one_line_and_code_1(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert root_module.main(args) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "--help" in captured.err


@pytest.mark.parametrize(
    ("number", "said"),
    [("nan", "not a finite number"), ("inf", "not a finite number"), ("1e400", "not a finite number"),
     ("-2e6", "too large"), ("0,5", "not a number. Write it as 0.5"), ("0x1p3", "not a number")],
)  # fmt: skip
def test_a_number_that_is_none_is_refused_in_a_sentence(
    number: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert root_module.main(["generate", "x.explainer", "--seeds", "1", "--out", "new", f"--psi={number}"]) == 1
    assert f"'{number}' is {said}" in capsys.readouterr().err


@pytest.mark.parametrize("name", root_module.root.commands)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert root_module.main([name, "--help"]) == 0
    assert "--help" in capsys.readouterr().out


def test_every_command_takes_json_and_has_a_help_text() -> None:
    for command in root_module.root.commands.values():
        assert command.help, command.name
        for leaf in command.commands.values() if isinstance(command, click.Group) else [command]:
            assert any("--json" in option.opts for option in leaf.params), leaf.name
            assert leaf.help, leaf.name


def test_open_without_a_screen_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert root_module.main([]) == 1
    assert "no screen" in capsys.readouterr().err


def test_doctor_finds_this_machine_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert root_module.main(["doctor", "--json"]) == 0
    (report,) = lines(capsys.readouterr().out)
    assert report["event"] == "result"
    names = {check["name"] for check in report["checks"]}  # type: ignore[attr-defined]
    assert {"packages", "device", "Qt", "font", "runs folder", "LPIPS (alex)", "LPIPS (squeeze)"} <= names
    assert sum(c["name"] == "bundled explainer" for c in report["checks"]) == 2  # type: ignore[attr-defined]


def _job(closed: list[bool]) -> Generator[Event, None, str]:
    try:
        yield Progress(1, 2, "counting")
        yield Preview(np.zeros((4, 6, 3), np.uint8), "first")
        yield Metric(3, {"loss": float("nan"), "psnr": 20.0})
        yield Notice("half-way")
        yield Progress(2, 2, "counting")
        return "done"
    finally:
        closed.append(True)


def test_progress_does_not_fill_a_disk(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    for message in ("training", "finding attributes"):
        for i in range(1, 1001):
            output.event(Progress(i, 1000, message))
    told = [(e["message"], e["done"]) for e in lines(capsys.readouterr().out)]
    assert ("training", 1) in told
    assert ("training", 1000) in told
    assert ("finding attributes", 1) in told
    assert len(told) < 100


def test_a_job_becomes_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    closed: list[bool] = []
    assert Output(as_json=True).run(_job(closed)) == "done"
    events = lines(capsys.readouterr().out)
    assert [e["event"] for e in events] == ["progress", "preview", "metric", "notice", "progress"]
    assert events[1] == {"event": "preview", "label": "first", "size": [4, 6]}
    assert events[2]["values"] == {"loss": None, "psnr": 20.0}
    assert closed == [True]


def test_no_name_of_a_file_rules_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).result({}, "one\ntwo\x1b[2J\u202ethree")
    assert capsys.readouterr().out == "one\ntwo [2J three\n"
    Output(as_json=False).failed("There is no \x1b]0;x\x07file.", "user")
    assert capsys.readouterr().err == "latent-explorer: There is no  ]0;x file.\n"


def test_an_interrupted_job_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    output = Output(as_json=False)

    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "event", interrupt)
    with pytest.raises(KeyboardInterrupt):
        output.run(_job(closed))
    assert closed == [True]


def test_progress_is_drawn_on_a_terminal_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    Output(as_json=False).run(_job([]))
    drawn = terminal.getvalue()
    assert "counting" in drawn
    assert "100%" in drawn
    assert drawn.endswith("\r")


def test_numbers_and_paths_of_results(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).result({"n": np.float32(0.5), "list": np.arange(2), "path": tmp_path})
    (line,) = lines(capsys.readouterr().out)
    assert line == {"event": "result", "n": 0.5, "list": [0, 1], "path": str(tmp_path)}
