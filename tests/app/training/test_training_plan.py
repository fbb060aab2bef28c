# SPDX-License-Identifier: MIT
"""Plan of a training: missing choices, its command, and its settings."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from latent_explorer.app.training.plan import TrainingPlan, _quoted_for_windows
from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.training.config import TrainConfig


@pytest.fixture
def plan(tmp_path) -> TrainingPlan:
    return TrainingPlan(data=tmp_path, label="healthy", classes="0=diseased,1=healthy")


def test_the_empty_form_says_what_is_missing():
    assert len(TrainingPlan().problems()) == 1
    assert "pictures" in TrainingPlan().problems()[0]
    missing = TrainingPlan(classifier_from="file").problems()
    assert "classifier" in missing[1]


def test_a_whole_plan_has_no_problems(plan):
    assert plan.problems() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": Path("gone")}, "not found"),
        ({"classifier_data": Path("gone")}, "not found"),
        ({"init": Path("gone.explainer")}, "not found"),
        ({"settings": {"images": 0}}, "at least 1"),
        ({"where": ("crop",)}, "column=value"),
        ({"preset": "62"}, "no preset"),
        ({"settings": {"lrr": 1.0}}, "no setting"),
        ({"settings": {"lr": "fast"}}, "wrong value"),
        ({"settings": {"resolution": 64}}, "4 widths"),
    ],
)
def test_each_problem_is_one_sentence(plan, change, words):
    (problem,) = replace(plan, **change).problems()
    assert words in problem
    assert problem.endswith(".")


def test_files_of_the_wrong_kind_are_named(plan, tmp_path):
    (tmp_path / "x.png").touch()
    wrong = replace(plan, init=tmp_path / "x.png", classifier_from="file", classifier=tmp_path / "x.png")
    assert [problem.partition(". ")[0] for problem in wrong.problems()] == [
        "x.png is not an explainer",
        "x.png is not a classifier",
    ]


def test_arguments_say_only_what_was_chosen(plan, tmp_path):
    assert TrainingPlan(data=Path("leaves")).arguments("out") == [
        "train", str(Path("leaves").absolute()), "--preset", "quick-look", "--name", "leaves, quick look",
        "--out", "out",
    ]  # fmt: skip
    full = replace(
        plan,
        where=("crop=apple,bell pepper", "light=day"),
        group="plant",
        split="side",
        init=tmp_path / "a.explainer",
        name=" mine ",
        settings={"images": 5000, "device": "cuda:1", "kl": 1.5, "channels": (8, 8)},
    )
    arguments = full.arguments(tmp_path)
    assert arguments.count("--where") == arguments.count("--set") == 2
    assert arguments[arguments.index("--name") + 1] == "mine"
    for option in ("--group", "--split", "--init", "--images", "--device", "--label", "--classes"):
        assert option in arguments
    assert "--classifier" not in arguments


def test_only_the_chosen_source_of_the_classifier_is_named(plan, tmp_path):
    both = replace(plan, classifier=tmp_path / "a.classifier", classifier_data=tmp_path / "other")
    trained, opened = both.arguments("out"), replace(both, classifier_from="file").arguments("out")
    assert "--classifier-data" in trained
    assert "--classifier" not in trained
    assert "--classifier" in opened
    assert "--classifier-data" not in opened


def test_the_config_is_preset_then_settings_and_labels_mean_the_classifiers_pictures(plan, tmp_path):
    other = tmp_path / "other"
    config = replace(
        plan, classifier_data=other, settings={"images": 5000, "device": "cpu", "kl": 1.5, "channels": (8, 8, 8, 8)}
    ).config()
    assert (config.resolution, config.images, config.kl) == (32, 5000, 1.5)
    assert (config.channels, config.device) == ((8, 8, 8, 8), "cpu")
    assert config.data.label is None
    assert config.classifier_training.data.label == "healthy"
    assert config.classifier_training.data.path == str(other)
    same = plan.config()
    assert same.data == same.classifier_training.data
    assert replace(plan, classifier_from="file").config().classifier_training is None
    assert isinstance(same, TrainConfig)
    with pytest.raises(UserError, match="no setting"):
        replace(plan, settings={"nonsense": 1}).config()


def test_the_command_line_survives_a_posix_shell(plan):
    odd = replace(plan, data=Path("/my pictures/it's $5 & more"), name='a "quoted" name')
    words = shlex.split(odd.command_line(windows=False))
    assert words == ["latent-explorer", *odd.arguments("a quoted name")]


def test_the_program_understands_every_choice_of_the_form(plan, tmp_path, monkeypatch):
    seen = []

    def noted(folder, config, **_options):
        seen.append((folder, config))
        yield from ()

    monkeypatch.setattr("latent_explorer.app.training.pipeline.run_pipeline", noted)
    for name in ("a.classifier", "a.explainer"):
        (tmp_path / name).touch()
    full = replace(
        plan,
        where=("crop=apple,bell pepper", "light=day"),
        group="plant",
        split="side",
        classifier_data=tmp_path,
        preset="128",
        init=tmp_path / "a.explainer",
        name="-mine, all",
        settings={
            **{"images": 5000, "device": "cpu", "resolution": 128, "attributes": 0},
            **{"kl": 1.5, "flip": False, "classifier.steps": 7, "lr": 1e-5},
            "channels": (16, 16, 16, 8, 8, 8),
        },
    )
    of_file = replace(full, classifier_from="file", classifier=tmp_path / "a.classifier", settings={})
    for chosen in (plan, full, of_file):
        assert chosen.problems() == []
        assert main(chosen.arguments(tmp_path / "run")) == 0
        assert seen.pop() == (tmp_path / "run", chosen.config())


def test_the_command_line_quotes_what_windows_shells_would_take_apart(plan):
    odd = replace(plan, data=Path("leaves & more"), name="mine")
    line = odd.command_line(windows=True)
    assert 'leaves & more"' in line
    assert '"0=diseased,1=healthy"' in line  # PowerShell makes a list of what has a bare comma
    assert "--label healthy" in line


def split_like_windows(line: str) -> list[str]:
    """Split a command line by the rules of Microsoft's C runtime."""
    words: list[str] = []
    word, quoted, at = None, False, 0
    while at < len(line):
        rest = line[at:].lstrip("\\")
        backslashes = len(line) - at - len(rest)
        sign = rest[:1]
        at += backslashes + 1
        if sign == '"':
            word = (word or "") + "\\" * (backslashes // 2) + '"' * (backslashes % 2)
            quoted = quoted != (backslashes % 2 == 0)
        elif sign == " " and not quoted:
            words += [] if word is None else [word + "\\" * backslashes]
            word = None
        else:
            word = (word or "") + "\\" * backslashes + sign
    return words if word is None else [*words, word]


def test_the_reference_splits_as_documented():
    assert split_like_windows(r'"a b c" d e') == ["a b c", "d", "e"]
    assert split_like_windows(r'"ab\"c" "\\" d') == ['ab"c', "\\", "d"]
    assert split_like_windows(r'a\\\b d"e f"g h') == [r"a\\\b", "de fg", "h"]
    assert split_like_windows(r"a\\\"b c d") == [r"a\"b", "c", "d"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1))
@example("C:\\pictures\\")
@example('a\\"b')
@example("two words\\\\")
@example('"')
def test_every_word_comes_through_the_c_runtime_of_windows(word):
    assert split_like_windows(_quoted_for_windows(word)) == [word]
