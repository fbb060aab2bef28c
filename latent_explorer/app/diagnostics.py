# SPDX-License-Identifier: MIT
"""Report of `doctor` and "Copy diagnostics": versions, device, Qt, fonts, folders, weights. Nothing is repaired."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from latent_explorer import __version__
from latent_explorer.app import library
from latent_explorer.common import guarded_json, paths
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGES = (
    "torch",
    "torchvision",
    "torchcam",
    "lpips",
    "numpy",
    "pillow",
    "fpdf2",
    "safetensors",
    "msgspec",
    "PySide6-Essentials",
)
EXTRAS = ("av", "timm")

# Shared objects that Qt needs and a bare Linux lacks, with Debian's and Ubuntu's packages
# (packaging/linux/system-libs.sh installs the same).
QT_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}
WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
_PROBE_SECONDS = 60


@dataclass(frozen=True)
class Check:
    """Line of the report. The program cannot work if an essential check is not `ok`."""

    name: str
    ok: bool
    detail: str
    essential: bool = True


def run_checks() -> Iterator[Check]:
    """Run every check in turn; each catches its own errors, so that one broken part hides no other."""
    yield Check("Latent Explorer", True, f"{__version__}, {_origin()}")
    yield Check("system", True, f"{platform.platform()}, Python {platform.python_version()}")
    yield from _packages()
    yield from _attempt("device", _device)
    if sys.platform == "linux":
        yield _libraries("Qt libraries", QT_LIBRARIES, essential=True)
        yield _libraries("window libraries", WINDOW_LIBRARIES, essential=False)
        yield from _attempt("screen", lambda: iter([_screen()]))
    yield from _attempt("Qt", _qt)
    yield from _folders()
    yield from map(_bundled_explainer, (library.LEAF, library.SHORTCUT))
    yield from _attempt("LPIPS weights", _lpips)


def report_text(checks: list[Check]) -> str:
    """Return the report as people paste it into a bug report."""
    width = max(len(check.name) for check in checks)
    return "\n".join(f"{_mark(check):7} {check.name:{width}}  {check.detail}" for check in checks)


def _mark(check: Check) -> str:
    return "ok" if check.ok else "MISSING" if check.essential else "note"


def _origin() -> str:
    if paths.is_frozen():
        return "installed program"
    return "source tree" if paths.source_root() else "Python package"


def _attempt(name: str, check: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from check()
    except Exception as error:  # a broken part is a line of the report
        yield Check(name, False, f"{type(error).__name__}: {error}")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _packages() -> Iterator[Check]:
    versions = {package: _version(package) for package in PACKAGES}
    missing = [package for package, version in versions.items() if version is None]
    installed = ", ".join(f"{package} {version}" for package, version in versions.items() if version)
    detail = f"missing: {', '.join(missing)}; run `pip install latent-explorer` again" if missing else installed
    yield Check("packages", not missing, detail)
    extras = [f"{package} {version}" for package in EXTRAS if (version := _version(package))]
    yield Check("extras", True, ", ".join(extras) or "none installed", essential=False)


def _device() -> Iterator[Check]:
    from latent_explorer.models.device import devices

    found = devices()
    names = [f"{device.name} ({device.id})" for device in found]
    note = f". {found[0].note}" if found[0].note else ""
    yield Check("device", True, f"{names[0]} is used" + "".join(f"; also {n}" for n in names[1:]) + note)


def _libraries(name: str, libraries: dict[str, str], *, essential: bool) -> Check:
    missing = [package for soname, package in libraries.items() if not _loads(soname)]
    if not missing:
        return Check(name, True, "all found", essential)
    detail = f"on Debian and Ubuntu: sudo apt-get install -y {' '.join(missing)}"
    return Check(name, False, detail, essential)


def _loads(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def has_screen() -> bool:
    """Return True if a window can be shown: always on Windows and macOS; on Linux a display must be named."""
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def explain_failure(said: str) -> str:
    """Return why Qt cannot start on this screen, and what to do, from what it said."""
    if library := _missing_window_library():
        package = WINDOW_LIBRARIES.get(library)
        install = package or " ".join(WINDOW_LIBRARIES.values())
        return f"the system library {library} is missing. On Debian and Ubuntu: sudo apt-get install -y {install}"
    if unknown := re.search(r'Could not find the Qt platform plugin "([^"]*)"', said):
        return f"Qt knows no platform {unknown[1]!r}, which QT_QPA_PLATFORM asks for. Unset it, or set it to xcb."
    shown = " and ".join(_screen_variables()) or "the screen"
    return (
        f"{shown} does not answer, or does not let you in. Start the program from a desktop session, or run "
        "`latent-explorer demo --out demo` for the tour without a screen."
    )


def _missing_window_library() -> str:
    """Return the name of the shared object without which Qt's plugin for X11 cannot be loaded; empty if none."""
    spec = importlib.util.find_spec("PySide6")
    for folder in spec.submodule_search_locations or () if spec else ():
        plugin = os.path.join(folder, "Qt", "plugins", "platforms", "libqxcb.so")
        if os.path.exists(plugin):
            try:
                ctypes.CDLL(plugin)
            except OSError as error:
                return os.path.basename(str(error).partition(":")[0])
    return ""


def _screen_variables() -> list[str]:
    names = ("WAYLAND_DISPLAY", "DISPLAY", "QT_QPA_PLATFORM")
    return [f"{name}={os.environ[name]}" for name in names if os.environ.get(name)]


def _screen() -> Check:
    variables = ", ".join(_screen_variables())
    if not variables:
        return Check("screen", False, "none: `latent-explorer demo --out DIR` works, the window does not", False)
    probe, said = _start_qt({})
    if probe is None:
        return Check("screen", False, f"{variables}: no window can be shown: {explain_failure(said)}", False)
    return Check("screen", True, f"{variables}, platform {probe['platform']}")


def _start_qt(variables: dict[str, str]) -> tuple[dict[str, Any] | None, str]:
    """Start Qt in a child process and return its report, or None and what it said: it does not raise, it aborts."""
    command = paths.self_command("doctor", "--qt-probe")
    folder, environment = paths.self_surroundings()
    environment |= {"QT_FORCE_STDERR_LOGGING": "1", **variables}
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROBE_SECONDS, cwd=folder, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return None, f"no answer within {_PROBE_SECONDS} s"
    lines = child.stdout.strip().splitlines()
    if child.returncode != 0 or not lines:
        return None, child.stderr.strip() or f"it ended with {child.returncode}"
    return guarded_json.decode(lines[-1], dict[str, Any]), ""


def _qt() -> Iterator[Check]:
    probe, said = _start_qt({"QT_QPA_PLATFORM": "offscreen"})
    if probe is None:
        yield Check("Qt", False, f"does not start: {said.splitlines()[-1]}")
        return
    yield Check("Qt", True, f"{probe['qt']}, platform {probe['platform']}")
    yield Check("font", probe["font_ok"], probe["font"])


def _folders() -> Iterator[Check]:
    folders = {
        "data folder": paths.user_data_dir,
        "settings folder": paths.config_dir,
        "cache folder": paths.cache_dir,
        "log folder": paths.log_dir,
        "runs folder": paths.runs_dir,
    }
    for name, folder in folders.items():
        try:
            path = folder()
            with paths.atomic_path(path / "write-test.tmp") as target:
                target.write_bytes(b"latent explorer")
            (path / "write-test.tmp").unlink()
            free = shutil.disk_usage(path).free
            yield Check(name, True, f"{path}, {size_text(free)} free")
        except OSError as error:
            yield Check(name, False, f"cannot be written, so nothing is kept there: {error}", essential=False)


def _bundled_explainer(name: str) -> Check:
    try:
        path = library.bundled_explainer(name)
    except UserError as error:
        return Check("bundled explainer", False, str(error), essential=False)
    return Check("bundled explainer", True, f"{path.name}, {size_text(path.stat().st_size)}", essential=False)


def _lpips() -> Iterator[Check]:
    from latent_explorer.models.lpips_weights import NETS, backbone_path, lpips_available

    for net in NETS:
        name = f"LPIPS ({net})"
        if not lpips_available(net):
            yield Check(name, False, f"none in {backbone_path(net)}; `get-weights {net}` fetches them", essential=False)
            continue
        from latent_explorer.models.perceptual import LpipsDistance

        try:
            LpipsDistance(net)  # asserts the published value on a known pair
            yield Check(name, True, f"as published on a known pair, {backbone_path(net)}", essential=False)
        except UserError as error:
            yield Check(name, False, str(error), essential=False)
