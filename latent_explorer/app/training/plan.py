# SPDX-License-Identifier: MIT
"""Plan of a training: the choices of the guided start, what is missing, and its command; remembered between starts.

`TrainingPlan()` is the empty form; `dataclasses.replace(plan, label="healthy")` makes a choice.
"""

from __future__ import annotations

import logging
import re
import shlex
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.common.format import valid_text
from latent_explorer.common.paths import atomic_path, safe_file_name
from latent_explorer.models.foreign_files import is_model_file
from latent_explorer.training.settings import OPTIONS, Setting, check_widths, train_config, train_settings

if TYPE_CHECKING:
    from latent_explorer.training.config import TrainConfig

DEFAULT_PRESET = "quick-look"
log = logging.getLogger(__name__)

PREFERENCES_FILE = "training.json"


@dataclass(frozen=True)
class TrainingPlan:
    """Choices for a training.

    `label` to `split` select among the pictures of `data`, or of `classifier_data` if given.
    """

    data: Path | None = None
    label: str = ""  # column of the labels; empty: class folders or a column `class`
    classes: str = ""  # "0=diseased,1=healthy"
    where: tuple[str, ...] = ()  # "crop=apple,bell pepper"
    group: str = ""
    split: str = ""
    classifier_from: Literal["train", "file"] = "train"
    classifier: Path | None = None  # for "file": a .classifier, an .explainer with one, or a foreign checkpoint
    classifier_data: Path | None = None  # for "train": other pictures than `data`
    preset: str = DEFAULT_PRESET  # key of training.presets.PRESETS
    init: Path | None = None  # an .explainer to start from
    name: str = ""  # of run and explainer; empty: made from the pictures' folder and the preset
    # Values in place of the preset's, by the names of `training.settings.train_settings`.
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def device(self) -> str:
        return str(self.settings.get("device", "auto"))

    def pictures_only(self) -> TrainingPlan:
        """Return the plan without the choices that affect neither the pictures nor their labels."""
        return replace(self, preset=DEFAULT_PRESET, init=None, name="", settings={})

    def problems(self) -> list[str]:
        """Return what is missing or wrong, a sentence each; empty if the training can be started."""
        messages = [*self._missing_files(), *self._malformed()]
        if not messages:
            try:
                config = self.config()
                if not config.init:  # which decides the widths
                    check_widths(config)
            except UserError as error:
                messages.append(str(error))
        return messages

    def config(self) -> TrainConfig:
        """Return the settings of the training. Raises UserError for an unknown preset or setting."""
        trains = self.classifier_from == "train"
        return train_config(
            str(self.data or ""),
            classifier=None if trains else str(self.classifier),
            classifier_data=str(self.classifier_data) if trains and self.classifier_data else None,
            preset=self.preset,
            init=str(self.init) if self.init else None,
            settings=self.settings,
            name=self.title(),
            label=self.label or None,
            classes=self.classes or None,
            where=self.where,
            group=self.group or None,
            split=self.split or None,
        )

    def arguments(self, out: Path | str) -> list[str]:
        """Return the program's arguments, from "train" on, that train this into the run folder `out`."""
        options: list[tuple[str, object]] = [
            ("--label", self.label),
            ("--classes", self.classes),
            *(("--where", condition) for condition in self.where),
            ("--group", self.group),
            ("--split", self.split),
            ("--classifier", self.classifier if self.classifier_from == "file" else None),
            ("--classifier-data", self.classifier_data if self.classifier_from == "train" else None),
            ("--preset", self.preset),
            ("--init", self.init),
            *(_option(name, value) for name, value in self.settings.items()),
            ("--name", self.title()),
            ("--out", out),
        ]
        parts = [part for key, value in options if value for part in (key, _word(value))]
        return ["train", _word(self.data or "DATA"), *parts]

    def command_line(self, *, windows: bool | None = None) -> str:
        """Return the command as one line for a shell; `windows` None: for the present system."""
        arguments = ["latent-explorer", *self.arguments(safe_file_name(self.title()))]
        if sys.platform == "win32" if windows is None else windows:
            return " ".join(_quoted_for_windows(word) for word in arguments)
        return shlex.join(arguments)

    def title(self) -> str:
        """Return the name, or one made from the choices: "leaves, quick look"."""
        if self.name.strip():
            return self.name.strip()
        pictures = self.data.stem if self.data else ""
        return ", ".join(part for part in (pictures, self.preset.replace("-", " ")) if part)

    def _missing_files(self) -> list[str]:
        messages = []
        if self.data is None:
            messages.append("Choose the pictures: a folder of them, of class folders, or a zip.")
        if self.classifier_from == "file" and self.classifier is None:
            messages.append("Choose the classifier to explain: a .classifier, an explainer, or a checkpoint.")
        used = [self.data, self.init]
        used.append(self.classifier if self.classifier_from == "file" else self.classifier_data)
        messages += [
            f"{path} was not found. Choose it again." for path in used if path is not None and not path.exists()
        ]
        return messages

    def _malformed(self) -> list[str]:
        messages = []
        if self.init is not None and self.init.suffix.lower() != ".explainer":
            messages.append(f"{self.init.name} is not an explainer. Choose an .explainer file to go on from.")
        chosen = self.classifier if self.classifier_from == "file" else None
        if chosen is not None and chosen.suffix.lower() != ".explainer" and not is_model_file(chosen):
            messages.append(
                f"{chosen.name} is not a classifier. Choose a .classifier, an .explainer, or a checkpoint (.pth, "
                ".safetensors, ...)."
            )
        messages += [
            f"'{condition}' is not a condition. Write it as column=value or column=value,value."
            for condition in self.where
            if "=" not in condition
        ]
        return messages


def _option(name: str, value: Any) -> tuple[str, str]:
    text = Setting.text(value)
    return (f"--{name}", text) if name in OPTIONS else ("--set", f"{name}={text}")


def _word(value: object) -> str:
    """Return a value as a command takes it, with absolute paths."""
    return str(value.absolute() if isinstance(value, Path) else value)


def _quoted_for_windows(word: str) -> str:
    """Quote a word for cmd.exe and PowerShell, by the rules by which the C runtime splits command lines."""
    if re.fullmatch(r"[\w.:/\\-]+", word, re.ASCII):
        return word
    # Backslashes count only before a quote; there, and at the end, they are doubled.
    escaped = re.sub(r'(\\*)"', r"\1\1\\" + '"', word)
    return '"' + re.sub(r"(\\+)$", r"\1\1", escaped) + '"'


@dataclass(frozen=True)
class TrainingPreferences:
    """Plan of last time, and run folders that were opened by hand."""

    plan: TrainingPlan = field(default_factory=TrainingPlan)
    folders: tuple[Path, ...] = ()


def load_preferences(folder: Path) -> TrainingPreferences:
    """Load the preferences from this folder, or return empty ones if they cannot be read."""
    try:
        data = guarded_json.read(folder / PREFERENCES_FILE, dict[str, Any])
        if isinstance(plan := data.get("plan"), dict):
            data["plan"] = {**plan, "settings": _settings(plan)}
        return msgspec.convert(data, TrainingPreferences, dec_hook=_path)
    except FileNotFoundError:
        return TrainingPreferences()
    except (OSError, DamagedData, msgspec.MsgspecError) as error:
        log.warning("The last training plan cannot be read: %s", error)
        return TrainingPreferences()


def _settings(plan: dict[str, Any]) -> dict[str, Any]:
    """Return the plan's settings, without those that this version does not know.

    Files of older versions have them as "NAME=VALUE", and images and device beside them.
    """
    given = plan.get("settings") or {}
    if isinstance(given, list):
        given = dict(str(text).partition("=")[::2] for text in given)
        for name, default in (("images", None), ("device", "auto")):
            if plan.get(name, default) != default:
                given[name] = str(plan[name])
    settings = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        try:
            setting = train_settings()[name]
            settings[name] = setting.parse(value) if isinstance(value, str) else setting.check(value)
        except (KeyError, UserError) as error:
            log.warning("A setting of the last training plan is left out: %s", error)
    return settings


def save_preferences(folder: Path, memory: TrainingPreferences) -> None:
    """Save the preferences. If that fails, it is only logged: the form will be empty next time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / PREFERENCES_FILE) as temporary:
            temporary.write_bytes(msgspec.json.encode(memory, enc_hook=_path_text))
    except OSError as error:
        log.warning("The training plan cannot be kept: %s", error)


def _path_text(path: Any) -> str:
    return valid_text(str(path))


def _path(kind: type, value: Any) -> Any:
    """Decode a path, the one type here that JSON does not have."""
    if kind is not Path or not isinstance(value, str):
        raise TypeError(f"{kind} does not belong here")
    return Path(value)
