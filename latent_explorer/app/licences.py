# SPDX-License-Identifier: MIT
"""Parts that the program is made of, with the text of each one's licence.

The installed program lists them in `licences/index.json` of its resources, as packaging/bundled.py wrote it. Elsewhere
they are the distributions that it needs in this Python environment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING

import msgspec

from latent_explorer import __version__
from latent_explorer.common import guarded_json
from latent_explorer.common.paths import APP_NAME, resources_dir, source_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPTIONAL = ("av", "timm")  # distributions of the extras
LGPL = "LGPL-3.0-only"
_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|copyright|authors)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MOST_TEXT = 4_000_000  # characters; PyTorch's notices of all its parts are about 1.5 million
NO_TEXT = "This distribution holds no text of its licence. Its terms are: {}."


class _Entry(msgspec.Struct, frozen=True):
    """Entry of the installed program's index."""

    name: str
    version: str
    licence: str
    file: str


@dataclass(frozen=True)
class Part:
    """Part of the program; `text` reads its licence."""

    name: str
    version: str
    licence: str  # in a line
    text: Callable[[], str]


def parts() -> list[Part]:
    """Return this program, then its parts by name. Texts are read only when they are asked for."""
    own = Part("Latent Explorer", __version__, "MIT", partial(_read, resources_dir() / "LICENSE.txt", "MIT"))
    index = resources_dir() / "licences" / "index.json"
    others = list(_listed(index)) if index.is_file() else list(_installed())
    return [own, *sorted([*others, *_drawn()], key=lambda part: part.name.lower())]


def _drawn() -> Iterator[Part]:
    """Yield the parts among the resources: letters and drawings."""
    folder = resources_dir()
    yield Part("Inter", "4.0 beta 7", "SIL Open Font License 1.1", partial(_read, folder / "fonts" / "OFL.txt", "OFL"))
    phosphor = folder / "icons" / "phosphor" / "LICENSE.txt"
    yield Part("Phosphor Icons", "1.3 and 2.1", "MIT", partial(_read, phosphor, "MIT"))


def _listed(index: Path) -> Iterator[Part]:
    for entry in guarded_json.read(index, list[_Entry]):
        if entry.name != APP_NAME:
            text = partial(_read, index.parent / entry.file, entry.licence)
            yield Part(entry.name, entry.version, entry.licence, text)


def _installed() -> Iterator[Part]:
    """Yield the distributions that this program needs, with those that they need in turn."""
    waiting, known = [APP_NAME, *OPTIONAL], set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in known:
            continue
        known.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform, or an extra that is not here
        needed = (line for line in distribution.requires or () if "extra ==" not in line)
        waiting.extend(found[0] for line in needed if (found := _NAME.match(line)))
        if name != APP_NAME:
            licence = _licence_of(distribution.metadata)
            yield Part(
                distribution.metadata["Name"], distribution.version, licence, partial(_text_of, distribution, licence)
            )


def _licence_of(info: metadata.PackageMetadata) -> str:
    """Return the licence as the metadata of a distribution says it, in a line."""
    expressions = info.get_all("License-Expression") or []
    classifiers = [line for line in info.get_all("Classifier") or () if line.startswith("License ::")]
    classified = ", ".join(line.rpartition(" :: ")[2] for line in classifiers)
    said = [*expressions, classified, *(info.get_all("License") or ())]
    return next((line.strip().partition("\n")[0] for line in said if line.strip()), "see its text")


def _text_of(distribution: metadata.Distribution, licence: str) -> str:
    """Return the licence files of a distribution, one after the other."""
    root = source_root()
    if "LGPL-3.0" in licence and root is not None:
        return _read(root / "packaging" / "licences" / f"{LGPL}.txt", licence)
    files = [f for f in distribution.files or () if ".dist-info" in str(f) and _LICENCE_FILE.search(f.name)]
    texts = [f.read_text(encoding="utf-8") for f in files]
    return "\n\n".join(dict.fromkeys(texts))[:_MOST_TEXT] or NO_TEXT.format(licence)


def _read(path: Path, licence: str) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:_MOST_TEXT]
    except OSError:
        return NO_TEXT.format(licence)
