# SPDX-License-Identifier: MIT
"""What the training controller remembers between starts: the plan of last time, and run folders opened by hand."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from latent_explorer.app.training.plan import TrainingPlan
from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path
from latent_explorer.training.settings import train_settings

log = logging.getLogger(__name__)

FILE = "training.json"


@dataclass(frozen=True)
class TrainingPreferences:
    """What is kept."""

    plan: TrainingPlan = field(default_factory=TrainingPlan)
    folders: tuple[Path, ...] = ()


def load(folder: Path) -> TrainingPreferences:
    """What was kept in this folder; nothing where it cannot be read: a form can be filled again."""
    try:
        data = msgspec.json.decode((folder / FILE).read_bytes(), type=dict[str, Any])
        if isinstance(plan := data.get("plan"), dict):
            data["plan"] = {**plan, "settings": _settings(plan)}
        return msgspec.convert(data, TrainingPreferences, dec_hook=_path)
    except FileNotFoundError:
        return TrainingPreferences()
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        log.warning("The last training plan cannot be read: %s", error)
        return TrainingPreferences()


def _settings(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan's settings, without those that this version does not know.

    Files of older programs have them as "NAME=VALUE", and images and device beside them.
    """
    given = plan.get("settings") or {}
    if isinstance(given, list):
        given = dict(str(text).partition("=")[::2] for text in given)
        for name, default in (("images", None), ("device", "auto")):
            if plan.get(name, default) != default:
                given[name] = str(plan[name])
    found = {}
    for name, value in given.items():
        try:
            setting = train_settings()[name]
            found[name] = setting.parse(value) if isinstance(value, str) else setting.check(value)
        except (KeyError, UserError) as error:
            log.warning("A setting of the last training plan is left out: %s", error)
    return found


def save(folder: Path, memory: TrainingPreferences) -> None:
    """Keep it. Where it cannot be written, the form will be empty next time: no reason to bother anybody."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / FILE) as temporary:
            temporary.write_bytes(msgspec.json.encode(memory, enc_hook=str))
    except OSError as error:
        log.warning("The training plan cannot be kept: %s", error)


def _path(kind: type, value: Any) -> Any:
    """Paths, the one type here that JSON does not know."""
    if kind is not Path or not isinstance(value, str):
        raise TypeError(f"{kind} does not belong here")
    return Path(value)
