# SPDX-License-Identifier: MIT
"""Paths of the program's resources and of the user's folders, and atomic writing of files.

No other module builds such paths. File formats are not handled here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import platformdirs

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

APP_NAME = "latent-explorer"
APP_ID = "org.latentexplorer.LatentExplorer"  # of the desktop entry, the bundle and the file types
COMMAND_LINE = "latent-explorer-cli"  # of the two executables of the installed program; the other one is the window
MOVES_FOLDER = "attfind"  # in `cache_dir`: what searches for attributes rendered
_PACKAGE = Path(__file__).resolve().parent.parent
_PART_BYTES = 100  # of a name, in that of a temporary file
_NAME_BYTES = 200


def is_frozen() -> bool:
    """Return True in the installed, frozen program."""
    return bool(getattr(sys, "frozen", False))


def source_root() -> Path | None:
    """Return the root of the source tree, or None if the program runs from a wheel or frozen."""
    root = _PACKAGE.parent
    return root if not is_frozen() and (root / "pyproject.toml").is_file() else None


def resources_dir() -> Path:
    """Return the folder of the program's own resources in the source tree, wheel or frozen folder."""
    root = source_root()
    return root / "resources" if root else _PACKAGE / "_resources"


def docs_dir() -> Path:
    """Return the folder of the documentation in the source tree, wheel or frozen folder."""
    root = source_root()
    return root / "docs" if root else _PACKAGE / "_docs"


def resource(name: str) -> Path:
    """Return a file or folder of the program's own resources, such as `fonts/Inter-Regular.ttf`.

    Raises FileNotFoundError if it is missing: the installation is broken, so it is not a UserError.
    """
    path = resources_dir() / name
    if not path.exists():
        raise FileNotFoundError(f"The program's own file {name!r} is missing in {resources_dir()}.")
    return path


def self_command(*args: str) -> list[str]:
    """Return the command that starts this program as a child; start it with `self_surroundings`."""
    if is_frozen():  # the window's executable has no output on Windows; the command line lies beside it
        program = Path(sys.executable)
        return [str(program.with_name(f"{COMMAND_LINE}{program.suffix}")), *args]
    root = source_root()
    # -P: neither the current folder nor that of a script is searched for modules. main.py adds its own again.
    entry = [str(root / "main.py")] if root else ["-m", "latent_explorer"]
    return [sys.executable, "-P", *entry, *args]


def self_surroundings() -> tuple[Path, dict[str, str]]:
    """Return the current folder and the environment for a child that `self_command` starts.

    Python may run any `torch.py` of its current folder, so this is never a folder of pictures or of a run, which may
    have been downloaded. It is one of our own, so that no other disk is kept from being ejected either.
    """
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}  # the same as -P, also for the child's own children
    if search_path := environment.get("PYTHONPATH"):
        entries = (os.path.abspath(e) for e in search_path.split(os.pathsep) if os.path.normpath(e) != os.curdir)
        environment["PYTHONPATH"] = os.pathsep.join(entries)
    return resources_dir(), environment


def user_data_dir() -> Path:
    """Return the user's folder for data that the program keeps; see `_made` for when it cannot be made."""
    return _made(Path(platformdirs.user_data_dir(APP_NAME, appauthor=False)))


def cache_dir() -> Path:
    """Return the user's folder for data that can be computed or downloaded again."""
    return _made(Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False)))


def config_dir() -> Path:
    """Return the user's folder for settings."""
    return _made(Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)))


def log_dir() -> Path:
    """Return the user's folder for logs."""
    return _made(Path(platformdirs.user_log_dir(APP_NAME, appauthor=False)))


def runs_dir() -> Path:
    """Return the folder for run folders of trainings: LATENT_EXPLORER_RUNS, or else `runs` in the data folder."""
    chosen = os.environ.get("LATENT_EXPLORER_RUNS")
    return _made(Path(chosen).expanduser().resolve() if chosen else user_data_dir() / "runs")


def plain_stem(path: Path) -> str:
    """Return a file's name without its suffix, or both of `.pth.tar`; a folder's whole name."""
    if path.is_dir():
        return path.name
    return Path(path.stem).stem if path.suffix.lower() == ".tar" else path.stem


def safe_file_name(text: str) -> str:
    """Return the text as a file or folder name for any system; "" if no character can be used."""
    plain = "".join(c if c.isalnum() or c in " ._-" else " " for c in text).strip(" .")[:80]
    plain = plain.encode()[:_NAME_BYTES].decode(errors="ignore")  # 80 characters of some scripts are 320 bytes
    return " ".join(plain.split())


def _made(folder: Path) -> Path:
    """Return the folder, made if it is missing and that is possible.

    Nothing needs these folders: an account without a home, or with one that cannot be written, works without them, and
    what writes into them says what it cannot keep.
    """
    if not folder.is_absolute():  # "~" stays as it is where the system knows no home
        folder = Path(Path.cwd().anchor, *folder.parts[1:])
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def atomic_path(target: str | os.PathLike[str], *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `target`, which replaces it on success.

    Readers see the old file or the whole new one, also after a crash or a power cut. On an error the temporary file is
    removed and `target` stays as it was. The suffix of `target` is kept. Use `durable=False`, which does not wait for
    the disk, for files that are written every second and may be lost in a power cut.
    """
    target = Path(target)
    handle, name = tempfile.mkstemp(prefix=_prefix(target.stem), suffix=_suffix(target), dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _keep_mode(temporary, target)
        if durable:
            _sync(temporary)
        os.replace(temporary, target)
        if durable and os.name == "posix":
            # The new name must survive a power cut too. Some network folders cannot guarantee it; the file is there.
            with contextlib.suppress(OSError):
                _sync(target.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


@contextlib.contextmanager
def atomic_output(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path as `atomic_path` does, in a folder that is made if it is missing.

    Raises UserError if the file cannot be written.
    """
    target = Path(target)
    with explain_write_errors(target), missing_parents(target), atomic_path(target) as temporary:
        yield temporary


@contextlib.contextmanager
def atomic_output_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces `target` on success; its parent is made if it is missing.

    Raises UserError if `target` is not empty or cannot be written.
    """
    with explain_write_errors(target), missing_parents(target):
        _check_empty(target)
        made = tempfile.mkdtemp(prefix=_prefix(target.name), dir=target.parent)
        try:
            yield Path(made)
            if os.name == "posix":
                Path(made).chmod(_ordinary_mode(0o777))  # mkdtemp makes folders private
            if target.exists():
                target.rmdir()
            os.replace(made, target)
        finally:
            shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def missing_parents(target: Path) -> Iterator[None]:
    """Make the folders that `target` will stand in, and remove those again if the block fails."""
    missing = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        _remove_empty(missing)
        raise


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def check_writable(target: Path, kind: Literal["file", "folder", "new folder"] = "file") -> None:
    """Raise UserError unless `target` can be written, so that this is known before work that takes long.

    Missing folders are made and a small file is written for a try; afterwards all is as it was. A new folder may exist
    already if it is empty.
    """
    with explain_write_errors(target):
        with contextlib.suppress(FileNotFoundError):
            mode = target.stat().st_mode
            if kind == "file" and not stat.S_ISREG(mode):
                raise UserError(f"{target} is a folder or a device. Give the name of a file.")
            if kind != "file" and not stat.S_ISDIR(mode):
                raise UserError(f"{target} is a file. Give the name of a folder.")
        if kind == "new folder":
            _check_empty(target)
        folder = target if kind != "file" else target.parent
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(4096))  # an empty file finds room on a full disk
        finally:
            _remove_empty(missing)


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder.name} is there already and not empty. Choose another name.")


@contextlib.contextmanager
def explain_write_errors(target: Path) -> Iterator[None]:
    """Turn an OSError of the block, which writes `target`, into a UserError."""
    try:
        yield
    except OSError as error:
        too_long = error.errno == errno.ENAMETOOLONG
        advice = "Choose a shorter name." if too_long else "Free some space or choose another folder."
        raise UserError(f"{target.name or target} cannot be written ({error.strerror or error}). {advice}") from error


def _prefix(name: str) -> str:
    """Return the beginning of a temporary name; a name of 255 bytes, the longest there is, leaves no room for more."""
    return f".{os.fsencode(name)[:_PART_BYTES].decode(errors='ignore')}-"


def _suffix(path: Path) -> str:
    return path.suffix if len(os.fsencode(path.suffix)) <= _PART_BYTES else ""


def _keep_mode(temporary: Path, target: Path) -> None:
    """Give the new file the old file's mode, or the user's default mode; mkstemp makes files private."""
    if os.name != "posix":
        return
    try:
        mode = target.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = _ordinary_mode(0o666)
    temporary.chmod(mode)


def _ordinary_mode(max_mode: int) -> int:
    """Return `max_mode` under the user's umask."""
    umask = os.umask(0)
    os.umask(umask)
    return max_mode & ~umask


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
