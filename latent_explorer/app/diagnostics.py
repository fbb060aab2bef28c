# SPDX-License-Identifier: MIT
"""Report of `doctor` and "Copy diagnostics": versions, device, Qt, fonts, folders, weights. Nothing is repaired."""

from __future__ import annotations

import ctypes
import os
import platform
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

PACKAGES = ("torch", "torchvision", "lpips", "numpy", "pillow", "fpdf2", "safetensors", "msgspec", "PySide6-Essentials")
EXTRAS = ("av", "onnx", "onnxruntime", "timm")

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
        yield _screen()
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

    names = [f"{device.name} ({device.id})" for device in devices()]
    yield Check("device", True, f"{names[0]} is used" + "".join(f"; also {n}" for n in names[1:]))


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


def _screen() -> Check:
    names = ("WAYLAND_DISPLAY", "DISPLAY", "QT_QPA_PLATFORM")
    variables = [f"{name}={os.environ[name]}" for name in names if os.environ.get(name)]
    if variables:
        return Check("screen", True, ", ".join(variables))
    return Check("screen", False, "none: `latent-explorer demo --out DIR` works, the window does not", False)


def _qt() -> Iterator[Check]:
    """Check Qt and the font in a child process: a missing platform plugin does not raise, it aborts."""
    command = paths.self_command("doctor", "--qt-probe")
    folder, environment = paths.self_surroundings()
    environment["QT_QPA_PLATFORM"] = "offscreen"
    child = subprocess.run(
        command, capture_output=True, text=True, timeout=_PROBE_SECONDS, cwd=folder, env=environment, check=False
    )
    lines = child.stdout.strip().splitlines()
    if child.returncode != 0 or not lines:
        reason = child.stderr.strip().splitlines() or [f"it ended with {child.returncode}"]
        yield Check("Qt", False, f"does not start: {reason[-1]}")
        return
    probe = guarded_json.decode(lines[-1], dict[str, Any])
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
    from latent_explorer.models.lpips_weights import backbone_path, lpips_available

    available = lpips_available("alex")
    detail = (
        "found"
        if available
        else "none: trainings go by the classifier's features, `get-weights` fetches them; looked in"
    )
    yield Check("LPIPS weights", available, f"{detail} {backbone_path('alex')}", essential=False)
