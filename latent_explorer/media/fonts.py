# SPDX-License-Identifier: MIT
"""Find fonts of the system for the letters that the bundled font lacks.

Names of classes and files are in any language; Inter has Latin, Greek and Cyrillic letters. Fonts are looked for with
fontconfig where it is installed, else in the system's folders, and each is asked for the letters before it is used.
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDINGS = (".ttf", ".otf", ".ttc", ".otc")
MAX_FONTS = 2000  # files that are looked into
_FC_SECONDS = 10.0
_INVISIBLE = frozenset(map(ord, " \N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}\N{VARIATION SELECTOR-16}"))
# Parts of file names: those that come first are tried first.
_PREFERRED = (
    *("notosanscjk", "notosans", "sourcehansans", "msyh", "yugoth", "meiryo", "malgun", "segoeui", "nirmala"),
    *("pingfang", "hiragino", "applesdgothic", "geeza", "kohinoor", "arialunicode", "dejavusans", "sans"),
)
_AVOIDED = ("mono", "serif", "bold", "italic", "oblique", "black", "light", "thin", "condensed", "emoji")


@dataclass(frozen=True)
class FontFile:
    """Font in a file, which may hold several."""

    path: str
    index: int = 0


@functools.lru_cache(maxsize=64)
def open_font(font: FontFile, size: int) -> ImageFont.FreeTypeFont:
    """Return a font at `size` px."""
    return ImageFont.truetype(font.path, size, index=font.index)


def fallback(text: str) -> FontFile | None:
    """Return a font of the system that has all letters of the text, or None."""
    return _fallback(frozenset(map(ord, text)) - _INVISIBLE)


@functools.lru_cache(maxsize=512)
def _fallback(letters: frozenset[int]) -> FontFile | None:
    if not letters:
        return None
    candidates = itertools.chain(_from_fontconfig(letters), _from_folders())
    return next((each for each in candidates if letters <= letters_of(each)), None)


def _from_fontconfig(letters: frozenset[int]) -> Iterator[FontFile]:
    program = None if sys.platform == "win32" else shutil.which("fc-match")
    if program is None:
        return
    pattern = "sans:charset=" + " ".join(f"{letter:x}" for letter in sorted(letters)[:50])
    try:
        done = subprocess.run(
            [program, "--format=%{file}\n%{index}\n", pattern],
            capture_output=True,
            timeout=_FC_SECONDS,
            check=True,
        )
        path, index = os.fsdecode(done.stdout).splitlines()[:2]
        yield FontFile(path, int(index))
    except (OSError, subprocess.SubprocessError, ValueError):
        return


def folders() -> list[Path]:
    """Return the folders of the system's fonts."""
    home = Path.home() if os.environ.get("HOME") or sys.platform == "win32" else Path("/")
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        own = [Path(local) / "Microsoft" / "Windows" / "Fonts"] if local else []
        return [Path(os.environ.get("WINDIR", "C:\\Windows")) / "Fonts", *own]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), data / "fonts", home / ".fonts"]


@functools.cache
def _from_folders() -> tuple[FontFile, ...]:
    """Return the fonts in the system's folders, the likeliest first."""
    paths = [
        os.path.join(folder, name)
        for top in folders()
        for folder, _, names in os.walk(top)
        for name in names
        if name.lower().endswith(ENDINGS)
    ]
    return tuple(FontFile(path) for path in sorted(paths, key=_rank)[:MAX_FONTS])


def _rank(path: str) -> tuple[int, int, str]:
    name = os.path.basename(path).lower().replace("-", "").replace(" ", "").replace("_", "")
    wanted = next((i for i, part in enumerate(_PREFERRED) if part in name), len(_PREFERRED))
    return sum(part in name for part in _AVOIDED), wanted, path


@functools.lru_cache(maxsize=MAX_FONTS)
def letters_of(font: FontFile) -> frozenset[int]:
    """Return the letters of a font; none if it cannot be used here: damaged, of bitmaps only, or not to be embedded."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with Path(font.path).open("rb") as file:
            opened = TTFont(file, fontNumber=font.index, lazy=True)
            outlines = {"glyf", "CFF ", "CFF2"} & set(opened.keys())
            if not outlines or opened["OS/2"].fsType & 0x000F == 2:
                return frozenset()
            letters = frozenset(opened.getBestCmap() or ())
        ImageFont.truetype(font.path, 16, index=font.index)
    except (TTLibError, OSError, KeyError, ValueError, AssertionError, AttributeError, ImportError, EOFError):
        return frozenset()
    return letters
