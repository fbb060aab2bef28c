# SPDX-License-Identifier: MIT
"""The Windows installer around a stub: compiled by NSIS, and used under Wine where both are there.

Wine's user is always an administrator, so what Windows does for another one is not tried here.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
ID = "org.latentexplorer.LatentExplorer"
UNINSTALL = rf"Software\Microsoft\Windows\CurrentVersion\Uninstall\{ID}"
IN_USE = 2  # exit status of NSIS for an installation that its script ends
# Any Windows program that says when it runs, and goes on for a while; NSIS makes it.
SLEEPER = r"""Unicode true
Name stub
OutFile "{}"
SilentInstall silent
Section
FileOpen $0 "$EXEDIR\started" w
FileClose $0
Sleep 240000
SectionEnd
"""

pytestmark = [
    pytest.mark.skipif(shutil.which("makensis") is None, reason="NSIS is not installed (Debian: nsis)"),
    pytest.mark.timeout(1200),  # Wine takes minutes to set up its Windows on a busy machine
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that compiles an installer of these files for a version."""
    folder = tmp_path_factory.mktemp("installer")
    for name in ("icon.ico", "installer.bmp"):
        Image.new("RGB", (32, 32), "green").save(folder / name)
    program = folder / "sleeper.exe"
    script = folder / "sleeper.nsi"
    script.write_text(SLEEPER.format(program))
    subprocess.run(["makensis", "-V1", str(script)], check=True)
    wrap = runpy.run_path(str(ROOT / "packaging" / "wrap.py"))

    def compile_(version: str, *files: str) -> Path:
        payload = folder / f"payload {version}"
        for name in ("latent-explorer.exe", "latent-explorer-cli.exe"):
            payload.mkdir(exist_ok=True)
            shutil.copyfile(program, payload / name)
        for name in files:
            (payload / name).parent.mkdir(parents=True, exist_ok=True)
            (payload / name).write_text(version)
        target = folder / f"setup-{version}.exe"
        done = subprocess.run(wrap["makensis"](payload, target, folder, version), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return target

    return compile_


def test_it_compiles_without_a_warning(compiled: Callable[..., Path]) -> None:
    assert compiled("1.2.3rc1", "_internal/LICENSE").read_bytes()[:2] == b"MZ"


# ------------------------------------------------------------------------------------------------- under Wine


class Wine:
    """A Windows 10 of its own."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        # Neither asks for Mono or Gecko, nor puts the shortcuts into this machine's own menu.
        without = {"WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe="}
        self.environment = {**os.environ, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all", **without}
        self.environment.pop("DISPLAY", None)
        self.run("wineboot", "-i")
        self.run("winecfg", "-v", "win10")
        self.local = next((prefix / "drive_c" / "users").glob("*/AppData/Local"))
        self.folder = self.local / "Programs" / "Latent Explorer"

    def run(self, *command: str | Path) -> int:
        """Run a command of Windows and return its exit status."""
        quiet = subprocess.DEVNULL  # no pipe: Wine's services would hold it open
        done = subprocess.run(
            ["wine", *map(str, command)], env=self.environment, stdout=quiet, stderr=quiet, timeout=600, check=False
        )
        return done.returncode

    def install(self, setup: Path, *options: str, folder: str = "") -> int:
        """Install silently and return the exit status. NSIS takes all after /D= as the folder, without quotes."""
        return self.run(setup, "/S", *options, *(f"/D={folder}".split(" ") if folder else []))

    def value(self, key: str, name: str | None = None) -> str | None:
        """Return a text of the registry, or None."""
        which = ["/v", name] if name else ["/ve"]
        done = subprocess.run(
            ["wine", "reg", "query", key, *which], env=self.environment, capture_output=True, text=True, timeout=600
        )
        lines = [line for line in done.stdout.splitlines() if "REG_SZ" in line and "(value not set)" not in line]
        return lines[0].partition("REG_SZ")[2].strip() if done.returncode == 0 and lines else None

    def uninstall(self, folder: Path) -> None:
        """Run the uninstaller, which goes on in a copy of itself, and wait until it is done."""
        self.run(folder / "uninstall.exe", "/S")
        end = time.monotonic() + 120
        while self.value(rf"HKCU\Software\{ID}", "Folder") or self.value(rf"HKLM\Software\{ID}", "Folder"):
            assert time.monotonic() < end, "the uninstaller did not come to its end"
            time.sleep(0.5)


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    if shutil.which("wine") is None or sys.platform != "linux":
        pytest.skip("Wine is not installed (Debian: wine, wine64, wine32:i386)")
    made = Wine(tmp_path_factory.mktemp("wine") / "prefix")
    yield made
    subprocess.run(["wineserver", "-k"], env=made.environment, check=False)


@pytest.mark.slow
def test_it_installs_for_one_person_and_leaves_only_what_is_theirs(wine: Wine, compiled: Callable[..., Path]) -> None:
    # What is there before: data of the person, and another program that opens the same files.
    data = wine.local / "latent-explorer" / "runs" / "run.json"
    data.parent.mkdir(parents=True)
    data.write_text("mine")
    wine.run("reg", "add", r"HKCU\Software\Classes\.explainer\OpenWithProgids", "/v", "other", "/d", "", "/f")

    assert wine.install(compiled("1.0.0", "_internal/LICENSE", "_internal/ünïcode/tiefer/straße.txt")) == 0

    assert (wine.folder / "latent-explorer.exe").is_file()
    assert (wine.folder / "_internal" / "LICENSE").read_text() == "1.0.0"
    assert (wine.folder / "_internal" / "ünïcode" / "tiefer" / "straße.txt").is_file()
    assert list(wine.prefix.rglob("Latent Explorer.lnk"))
    assert wine.value(rf"HKCU\{UNINSTALL}", "DisplayVersion") == "1.0.0"
    assert wine.value(rf"HKLM\{UNINSTALL}", "DisplayVersion") is None
    for suffix in ("explainer", "exploration"):
        kind = wine.value(rf"HKCU\Software\Classes\.{suffix}")
        command = wine.value(rf"HKCU\Software\Classes\{kind}\shell\open\command")
        assert command is not None
        assert command.endswith(r'\Latent Explorer\latent-explorer.exe" "%1"')

    (wine.folder / "notes.txt").write_text("put here by the person")
    wine.uninstall(wine.folder)

    assert [path.name for path in wine.folder.iterdir()] == ["notes.txt"]
    shutil.rmtree(wine.folder)
    assert data.read_text() == "mine"
    assert not list(wine.prefix.rglob("Latent Explorer.lnk"))
    assert wine.value(rf"HKCU\{UNINSTALL}", "DisplayVersion") is None
    assert wine.value(r"HKCU\Software\Classes\.explainer") is None
    assert wine.value(rf"HKCU\Software\Classes\{ID}.explainer") is None
    assert wine.value(r"HKCU\Software\Classes\.explainer\OpenWithProgids", "other") == ""
    assert wine.run("reg", "query", r"HKCU\Software\Classes\.exploration") != 0


@pytest.mark.slow
def test_a_newer_version_replaces_an_older_one_in_any_folder(wine: Wine, compiled: Callable[..., Path]) -> None:
    older, newer = compiled("1.1.0", "_internal/old.py", "_internal/both.py"), compiled("1.2.0", "_internal/both.py")
    folder = wine.prefix / "drive_c" / "Prögramme und mehr" / "Latent Explorer"
    assert wine.install(older, folder=r"C:\Prögramme und mehr\Latent Explorer") == 0
    assert (folder / "_internal" / "old.py").is_file()

    assert wine.install(newer) == 0

    assert not (folder / "_internal" / "old.py").exists()
    assert (folder / "_internal" / "both.py").read_text() == "1.2.0"
    assert not wine.folder.exists()  # it went where the older one was
    assert wine.value(rf"HKCU\{UNINSTALL}", "DisplayVersion") == "1.2.0"

    # To another folder: none stays behind that nothing could remove.
    assert wine.install(newer, folder=r"C:\elsewhere") == 0
    assert not folder.exists()
    wine.uninstall(wine.prefix / "drive_c" / "elsewhere")
    assert not (wine.prefix / "drive_c" / "elsewhere").exists()


@pytest.mark.slow
@pytest.mark.parametrize("running", ["latent-explorer.exe", "latent-explorer-cli.exe"])
def test_nothing_is_removed_while_the_program_or_a_training_runs(
    wine: Wine, compiled: Callable[..., Path], running: str
) -> None:
    assert wine.install(compiled("1.3.0", "_internal/LICENSE")) == 0
    process = subprocess.Popen(["wine", str(wine.folder / running)], env=wine.environment, stderr=subprocess.DEVNULL)
    started, end = wine.folder / "started", time.monotonic() + 120
    try:
        while not started.exists():
            assert time.monotonic() < end
            time.sleep(0.2)
        assert wine.install(compiled("1.4.0", "_internal/LICENSE")) == IN_USE
        assert (wine.folder / "_internal" / "LICENSE").read_text() == "1.3.0"
        assert wine.value(rf"HKCU\{UNINSTALL}", "DisplayVersion") == "1.3.0"
        wine.run(wine.folder / "uninstall.exe", "/S")
        time.sleep(5)
        assert (wine.folder / "_internal" / "LICENSE").is_file()
    finally:
        process.kill()
        wine.run("taskkill", "/f", "/im", running)
        process.wait()
    started.unlink()
    wine.uninstall(wine.folder)
    assert not wine.folder.exists()


@pytest.mark.slow
def test_a_folder_with_too_long_a_name_is_refused(wine: Wine, compiled: Callable[..., Path]) -> None:
    setup = compiled("1.5.0", "_internal/" + "x" * 100 + "/" + "y" * 60)
    assert wine.install(setup, folder="C:\\" + "long " * 20 + "name") == IN_USE
    assert wine.value(rf"HKCU\{UNINSTALL}", "DisplayVersion") is None
    assert wine.install(setup) == 0
    wine.uninstall(wine.folder)


@pytest.mark.slow
def test_it_installs_for_all_users(wine: Wine, compiled: Callable[..., Path]) -> None:
    assert wine.install(compiled("1.6.0", "_internal/LICENSE"), "/AllUsers") == 0
    folder = wine.prefix / "drive_c" / "Program Files" / "Latent Explorer"
    assert (folder / "latent-explorer.exe").is_file()
    # In the registry of 64-bit programs, not in the part for 32-bit ones as the installer itself is.
    assert wine.run("reg", "query", rf"HKLM\{UNINSTALL}", "/reg:64") == 0
    assert wine.run("reg", "query", rf"HKLM\{UNINSTALL}", "/reg:32") != 0
    assert wine.value(rf"HKCU\{UNINSTALL}", "DisplayVersion") is None
    assert wine.value(r"HKLM\Software\Classes\.explainer") == f"{ID}.explainer"

    assert wine.install(compiled("1.7.0", "_internal/LICENSE")) == 0  # an update goes where the older one is
    assert (folder / "_internal" / "LICENSE").read_text() == "1.7.0"
    assert not wine.folder.exists()
    wine.uninstall(folder)
    assert not folder.exists()
    assert wine.run("reg", "query", rf"HKLM\{UNINSTALL}", "/reg:64") != 0
