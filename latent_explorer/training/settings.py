# SPDX-License-Identifier: MIT
"""From what a person chose, on the command line or in the window's form, to the settings of a training. No torch.

What the settings are stands in `training.config`, ready-made ones in `training.presets`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from latent_explorer.common.errors import UserError
from latent_explorer.training import presets
from latent_explorer.training.config import ClassifierTraining, DataConfig, TrainConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

S = TypeVar("S", bound=msgspec.Struct)

_CLASSIFIER = "classifier."  # --set classifier.steps=600: a setting of the classifier's training


def train_config(
    data: str | None,
    *,
    classifier: str | None = None,
    classifier_data: str | None = None,
    preset: str | None = None,
    init: str | None = None,
    settings: Sequence[str] = (),
    name: str | None = None,
    label: str | None = None,
    classes: str | None = None,
    where: tuple[str, ...] = (),
    group: str | None = None,
    split: str | None = None,
    **numbers: Any,
) -> TrainConfig:
    """The settings that the options of `train` mean. Raises UserError for what cannot be meant."""
    if data is None:
        raise UserError("A new training needs DATA: a folder or a zip of pictures.")
    if classifier and classifier_data:
        raise UserError("Give --classifier or --classifier-data: one classifier is explained.")
    chosen = DataConfig(_whole(classifier_data or data), label, classes, where, group, split)
    pictures = DataConfig(_whole(data)) if classifier_data else chosen
    config = TrainConfig(pictures, _whole(classifier), init=_whole(init), name=name or "")
    given = [f"{key}={value}" for key, value in numbers.items() if value is not None]
    of_classifier = [setting for setting in settings if setting.startswith(_CLASSIFIER)]
    others = [setting for setting in settings if setting not in of_classifier]
    config = with_settings(presets.apply(preset, config) if preset else config, [*given, *others])
    if classifier or config.mode == "stylegan2":
        return config
    own = presets.preset(preset).classifier if preset else {}
    training = ClassifierTraining(chosen, **{"resolution": config.resolution, **own})
    training = with_settings(training, [x.removeprefix(_CLASSIFIER) for x in of_classifier])
    return msgspec.structs.replace(config, classifier_training=training)


def _whole(path: str | None) -> str:
    """A path that means the same from every folder; empty for none."""
    return str(Path(path).resolve()) if path else ""


def with_settings(config: S, settings: Sequence[str]) -> S:
    """The config with `NAME=VALUE` pairs applied; a tuple is written with commas.

    Raises `UserError` for a name that the config lacks and for a value of the wrong kind.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(type(config))}
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in types:
            raise UserError(
                f"There is no setting {name!r}. Known, as NAME=VALUE: {', '.join(sorted(types))}."
            )
        try:
            changes[name] = _converted(text, types[name])
        except msgspec.ValidationError as error:
            raise UserError(f"The setting {setting!r} has a wrong value: {error}.") from error
    return msgspec.structs.replace(config, **changes)


def _converted(text: str, wanted: Any) -> Any:
    is_tuple = str(wanted).startswith("tuple")
    return msgspec.convert(text.split(",") if is_tuple else text, wanted, strict=False)
