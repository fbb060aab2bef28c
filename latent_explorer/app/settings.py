# SPDX-License-Identifier: MIT
"""Settings that are remembered between starts: theme, device, recent files, the window's place.

A removed or renamed field needs a new VERSION and an entry in MIGRATIONS; a new field with a default needs neither.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData
from latent_explorer.common.format import valid_text
from latent_explorer.common.guarded_files import read_bytes
from latent_explorer.common.paths import atomic_path, config_dir
from latent_explorer.media.animation.settings import AnimationSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from latent_explorer.app.exploration.unkept import UnkeptNotice

_Fields: TypeAlias = "dict[str, Any]"
log = logging.getLogger(__name__)

VERSION = 1
MAX_RECENT = 10

# MIGRATIONS[v] makes settings of version v into those of version v + 1.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


class ExportChoices(msgspec.Struct, frozen=True):
    """Last choices in the export dialogs, with which they begin."""

    animation: AnimationSettings = AnimationSettings()
    suffix: str = ".gif"
    top: int = 8  # export all: attributes
    pictures: int = 4  # export all and sheets
    pictures_from: Literal["shown", "samples", "seeds", "favourites", "projected"] = "samples"
    sheet: Literal["counterfactual", "truncation", "mixing"] = "counterfactual"
    sheet_suffix: Literal[".png", ".pdf"] = ".png"
    sheet_attributes: int = 3


class Settings(msgspec.Struct, frozen=True):
    """Settings, each with a default.

    `unknown` keeps what a newer program wrote and this one does not understand: fields, values, its version.
    """

    theme: Literal["system", "light", "dark"] = "system"
    device: str = "auto"
    recent: tuple[str, ...] = ()  # newest first
    last_folder: str = ""
    pictures_folder: str = ""  # of real pictures, in which evidence for attributes was sought last
    window_geometry: str = ""  # base64 of QWidget.saveGeometry
    window_state: str = ""
    closed_notes: tuple[str, ...] = ()  # notes of explainers that were closed, newest last
    trusted_programs: tuple[str, ...] = ()  # SHA-256 of classifiers that are programs and may run
    tour_shown: bool = False  # the tour of the window has begun on its own
    export: ExportChoices = ExportChoices()
    unknown: dict[str, Any] = {}

    def with_recent(self, path: Path) -> Settings:
        """Return a copy with the file at the head of the recent ones, and its folder as the last."""
        name = str(path.resolve())
        if valid_text(name) != name:  # settings are UTF-8
            return self
        recent = (name, *(r for r in self.recent if r != name))[:MAX_RECENT]
        return msgspec.structs.replace(self, recent=recent, last_folder=str(path.resolve().parent))


def settings_file() -> Path:
    """Return the place of the user's settings."""
    return config_dir() / "settings.json"


def load(path: Path) -> Settings:
    """Return the stored settings. A file that cannot be understood is renamed to *.broken and the defaults are used."""
    try:
        data = read_bytes(path, guarded_json.MAX_BYTES)
    except FileNotFoundError:
        return Settings()
    except (OSError, DamagedData) as error:
        log.warning("The settings %s cannot be read (%s); using the defaults.", path, error)
        return Settings()
    try:
        return _decode(data)
    except (ValueError, LookupError, TypeError) as error:
        broken = path.with_name(path.name + ".broken")
        log.warning("The settings %s are damaged (%s); kept as %s.", path, error, broken.name)
        with contextlib.suppress(OSError):  # the program must start even if the folder cannot be written
            path.replace(broken)
        return Settings()


def save(settings: Settings, path: Path) -> None:
    """Write the settings, all at once or not at all. Raises OSError if that is impossible."""
    known, default = (msgspec.to_builtins(s) for s in (settings, Settings()))
    unknown = known.pop("unknown")
    path.parent.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.encode({"version": VERSION, **_with_unknown(known, unknown, default)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(msgspec.json.format(data, indent=2) + b"\n")


def _decode(data: bytes) -> Settings:
    stored = guarded_json.decode(data, dict[str, Any])
    version = int(stored.pop("version", VERSION))
    while version < VERSION:
        stored = MIGRATIONS[version](stored)
        version += 1
    known, unknown = _split(stored, Settings, lenient=version > VERSION)
    if version > VERSION:
        unknown["version"] = version  # or the newer program would take them for older ones
    return guarded_json.convert({**known, "unknown": unknown}, Settings)


def _split(stored: dict[str, Any], kind: type[msgspec.Struct], *, lenient: bool) -> tuple[_Fields, _Fields]:
    """Return the fields of `kind`, and all others; with `lenient`, values that do not fit count as others, too."""
    known, unknown = {}, dict(stored)
    unknown.pop("unknown", None)
    for field in msgspec.structs.fields(kind):
        if field.name not in unknown:
            continue
        value = unknown.pop(field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct) and isinstance(value, dict):
            known[field.name], rest = _split(value, field.type, lenient=lenient)
            if rest:
                unknown[field.name] = rest
        elif lenient and not _fits(value, field.type):
            unknown[field.name] = value
        else:
            known[field.name] = value
    return known, unknown


def _fits(value: Any, kind: Any) -> bool:
    try:
        guarded_json.convert(value, kind)
    except DamagedData:
        return False
    return True


def _with_unknown(known: dict[str, Any], unknown: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with the unknown ones; a value that was not understood stays until the user chooses another."""
    merged = dict(known)
    for name, value in unknown.items():
        if name in known and isinstance(known[name], dict) and isinstance(value, dict):
            merged[name] = _with_unknown(known[name], value, default[name])
        elif name not in known or known[name] == default[name]:
            merged[name] = value
    return merged


class SettingsStore:
    """Holder of the settings and their file. If they cannot be written the program goes on and reports it once."""

    def __init__(self, unkept: UnkeptNotice, folder: Path | None = None) -> None:
        self._path = folder / "settings.json" if folder else settings_file()
        self._unkept = unkept
        self.settings = load(self._path)

    def change(self, **fields: Any) -> None:
        """Change these fields and write the file."""
        self._take(msgspec.structs.replace(self.settings, **fields))

    def add_recent(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        self._take(self.settings.with_recent(path))

    def _take(self, new: Settings) -> None:
        if new == self.settings:
            return
        self.settings = new
        try:
            save(new, self._path)
        except OSError as error:
            self._unkept(self._path.parent, error)
