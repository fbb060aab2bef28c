# SPDX-License-Identifier: MIT
"""Settings by name, and the config made from the choices on the command line or in the window. No torch.

The settings are defined in `training.config`, presets in `training.presets`.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import inspect

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import valid_text
from latent_explorer.training import presets
from latent_explorer.training.config import SECTIONS, ClassifierTraining, DataConfig, TrainConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

S = TypeVar("S", bound=msgspec.Struct)

# Settings of `train` that have an option of their own.
OPTIONS = ("images", "resolution", "device", "attributes")
# `--set classifier.steps=600`: a setting of the classifier's training.
CLASSIFIER = "classifier."


@dataclass(frozen=True)
class Setting:
    """Setting of a training: its name, as `--set` takes it, its type and its purpose."""

    name: str
    type: Any
    reason: str
    section: str  # heading in lists

    @property
    def choices(self) -> tuple[Any, ...]:
        """Possible values, or an empty tuple if they are not a few."""
        kind = inspect.type_info(self.type)
        if isinstance(kind, inspect.BoolType):
            return (True, False)
        return tuple(kind.values) if isinstance(kind, inspect.LiteralType) else ()

    @property
    def allowed(self) -> str:
        """Allowed values in words: "a whole number, at least 1"."""
        return _allowed(inspect.type_info(self.type))

    def parse(self, text: str) -> Any:
        """Parse a typed value: whole numbers also as "20,000" or "20k", several values separated by commas.

        Raises UserError if it is not allowed.
        """
        value: Any = text.strip()
        kind = inspect.type_info(self.type)
        if isinstance(kind, inspect.VarTupleType):
            value = value.split(",")
        elif isinstance(kind, inspect.IntType):
            value = _without_thousands(value)
        elif isinstance(kind, inspect.FloatType):
            value = value.replace(",", ".")
        return self.check(value, strict=False)

    def check(self, value: Any, *, strict: bool = True) -> Any:
        """Return the value. Raises UserError if it is not allowed."""
        try:
            checked = msgspec.convert(value, self.type, strict=strict)
        except msgspec.ValidationError:
            checked = math.nan
        if isinstance(checked, float) and not math.isfinite(checked):
            raise UserError(f"The setting {self.name}={self.text(value)} has a wrong value: it must be {self.allowed}.")
        return checked

    @staticmethod
    def text(value: Any) -> str:
        """Return a value as `parse` reads it."""
        if isinstance(value, (list, tuple)):
            return ",".join(str(part) for part in value)
        if isinstance(value, float):
            return repr(value).removesuffix(".0")
        return str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(str(value) for value in kind.values)
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.VarTupleType):
        return f"{_allowed(kind.item_type)}, or several with commas between them"
    if not isinstance(kind, (inspect.IntType, inspect.FloatType)):
        return "text"
    limits = {"at least": kind.ge, "more than": kind.gt, "at most": kind.le, "less than": kind.lt}
    limits["a multiple of"] = kind.multiple_of
    words = [f"{name} {limit:g}" for name, limit in limits.items() if limit is not None]
    noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
    return ", ".join([noun, *words])


def _without_thousands(text: str) -> str:
    """Turn "20,000", "20 000" and "20k" into "20000", and "1.5M" into "1500000"; keep other texts."""
    plain = re.sub(r"[\s'_]", "", text.lower())
    plain = re.sub(r"[.,](?=\d{3}(\D|$))", "", plain)
    short = re.fullmatch(r"(\d{1,6}(?:[.,]\d{1,2})?)([km])", plain)
    if short:
        factor = {"k": 1e3, "m": 1e6}[short[2]]
        return str(round(float(short[1].replace(",", ".")) * factor))
    return plain


_KINDS = (
    inspect.IntType,
    inspect.FloatType,
    inspect.StrType,
    inspect.BoolType,
    inspect.LiteralType,
    inspect.VarTupleType,
)


@functools.cache
def settings_of(config: type[msgspec.Struct], prefix: str = "") -> dict[str, Setting]:
    """Return the settings of a config by name, in order, without nested configs. `prefix` is put before each name."""
    found, section = {}, ""
    for field in msgspec.structs.fields(config):
        section = SECTIONS.get(config, {}).get(field.name, section)
        if isinstance(inspect.type_info(field.type), _KINDS):
            notes = getattr(field.type, "__metadata__", ())
            reason = next((note for note in notes if isinstance(note, str)), "")
            name = prefix + field.name
            found[name] = Setting(name, field.type, reason, section)
    return found


@functools.cache
def train_settings() -> dict[str, Setting]:
    """Return the settings of `train` by name, including those of the classifier's training."""
    return {**settings_of(TrainConfig), **settings_of(ClassifierTraining, CLASSIFIER)}


def values_of(config: TrainConfig) -> dict[str, Any]:
    """Return the values of a config by the names of `train_settings`; the classifier's only if one is trained."""
    values = {name: getattr(config, name) for name in settings_of(TrainConfig)}
    if config.classifier_training is not None:
        for name in settings_of(ClassifierTraining):
            values[CLASSIFIER + name] = getattr(config.classifier_training, name)
    return values


def parse_settings(texts: Iterable[str], known: Mapping[str, Setting]) -> dict[str, Any]:
    """Parse `NAME=VALUE` texts. Raises UserError for an unknown name or a value that is not allowed."""
    values = {}
    for given in texts:
        name, equals, text = given.partition("=")
        if not equals:
            raise UserError(f"{given!r} is not a setting. Write it as NAME=VALUE.")
        values[name] = _known(name, known).parse(text)
    return values


def check_settings(values: Mapping[str, Any], known: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the same values. Raises UserError for an unknown name or a value that is not allowed."""
    return {name: _known(name, known).check(value) for name, value in values.items()}


def _known(name: str, known: Mapping[str, Setting]) -> Setting:
    if name not in known:
        close = [known[each] for each in difflib.get_close_matches(name, known, n=3)]
        meant = [f"{setting.name} ({setting.reason.rstrip('.')})" for setting in close]
        there = f"Close to it are: {', '.join(meant)}" if meant else f"Known: {', '.join(known)}"
        raise UserError(f"There is no setting {name!r}. {there}.")
    return known[name]


def with_settings(config: S, options: Mapping[str, Any], texts: Iterable[str]) -> S:
    """Apply the `options` that are not None, and `NAME=VALUE` texts, to a config. Raises UserError."""
    given = {name: value for name, value in options.items() if value is not None}
    given |= parse_settings(texts, settings_of(type(config)))
    return msgspec.structs.replace(config, **given)


def train_config(
    data: str | None,
    *,
    classifier: str | None = None,
    classifier_data: str | None = None,
    preset: str | None = None,
    init: str | None = None,
    settings: Mapping[str, Any] | None = None,
    name: str | None = None,
    **selection: Any,
) -> TrainConfig:
    """Make the config of a training. Raises UserError for choices that are missing or contradict each other.

    `settings` are by name as in `train_settings`; `selection` are fields of DataConfig, of the pictures with labels.
    """
    if data is None:
        raise UserError("A new training needs DATA: a folder or a zip of pictures.")
    if classifier and classifier_data:
        raise UserError("Give --classifier or --classifier-data: one classifier is explained.")
    values = check_settings(settings or {}, train_settings())
    own = {key: value for key, value in values.items() if not key.startswith(CLASSIFIER)}
    chosen = DataConfig(_whole(classifier_data or data), **selection)
    pictures = DataConfig(_whole(data)) if classifier_data else chosen
    config = TrainConfig(pictures, _whole(classifier), init=_whole(init), name=name or "")
    config = msgspec.structs.replace(presets.apply(preset, config) if preset else config, **own)
    if classifier or config.mode == "stylegan2":
        return config
    fitting = {"resolution": config.resolution, **(presets.preset(preset).classifier if preset else {})}
    fitting |= {key.removeprefix(CLASSIFIER): values[key] for key in values.keys() - own.keys()}
    training = ClassifierTraining(chosen, **fitting)
    return msgspec.structs.replace(config, classifier_training=training)


def check_widths(config: TrainConfig) -> None:
    """Raise UserError unless there is one width for every resolution."""
    expected = 4 << (len(config.channels) - 1)
    if expected != config.resolution:
        raise UserError(
            f"{len(config.channels)} widths make {expected} px, not {config.resolution} px. "
            "Choose a --preset of that size, or give one width for every resolution from 4 px up: --set channels=..."
        )


def _whole(path: str | None) -> str:
    """Return the absolute path, or an empty string for none."""
    return checked_path(Path(path)) if path else ""


def checked_path(path: Path) -> str:
    """Return the absolute path as a config holds it. Raises UserError if its name is not text."""
    whole = str(path.resolve())
    if valid_text(whole) != whole:
        raise UserError(f"The name of {whole} is not UTF-8, and a run could not find it again. Rename it.")
    return whole
