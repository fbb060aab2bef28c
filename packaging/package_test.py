# SPDX-License-Identifier: MIT
"""Install the .deb in a clean Debian root, use it as an ordinary user without a network, and remove it.

    sudo python3 packaging/package_test.py            # the newest .deb of dist/

Needs root, mmdebstrap, Xvfb, openbox, xdotool and ImageMagick on the machine, and Debian's mirror for the root and the
package's dependencies. Screenshots are left in build/package-test. `--suite noble --mirror URL` takes Ubuntu.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "build" / "package-test"
HOME = "/home/persön"
PROGRAM, COMMAND_LINE = "/usr/bin/latent-explorer", "/usr/bin/latent-explorer-cli"
EXPLAINER = "/opt/latent-explorer/_internal/latent_explorer/_resources/explainers/leaf-health.explainer"
DISPLAY = ":97"
# What a desktop has and a minimal root lacks: the tools that open a file by its type.
DESKTOP = ("libglib2.0-bin", "shared-mime-info", "desktop-file-utils")
# What only the window needs; a desktop has them.
WINDOW_LIBRARIES = (
    "libxcb-cursor0", "libxkbcommon-x11-0", "libxcb-icccm4", "libxcb-keysyms1", "libxcb-shape0",
)  # fmt: skip
TRAINING_SECONDS = 60
WINDOW_SECONDS = 90  # most for the window to come, on a slow machine


class Failure(Exception):
    """A step did not do what it should; its text says what."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Try the .deb in a clean root.")
    parser.add_argument("package", nargs="?", type=Path, help="the .deb; without it the newest of dist/")
    parser.add_argument("--suite", default="bookworm")
    parser.add_argument("--mirror", help="of the distribution; else Debian's")
    parser.add_argument("--root", type=Path, default=Path("/var/tmp/latent-explorer-root"), help="where it is made")
    options = parser.parse_args()
    package = options.package or max((ROOT / "dist").glob("*.deb"), key=lambda path: path.stat().st_mtime)
    SHOTS.mkdir(parents=True, exist_ok=True)
    test = PackageTest(options.root, package.resolve())
    failed = 0
    with test.made(options.suite, options.mirror), screen():
        for step in STEPS:
            name = (step.__doc__ or "").rstrip(".")
            began = time.monotonic()
            try:
                said = step(test)
            except Failure as failure:
                failed += 1
                print(f"FAILED  {name}: {failure}", flush=True)
            else:
                print(f"ok      {name} ({time.monotonic() - began:.0f} s){': ' + said if said else ''}", flush=True)
    sys.exit(1 if failed else 0)


class PackageTest:
    """A clean root, and what runs in it."""

    def __init__(self, root: Path, package: Path) -> None:
        self.root, self.package = root, package
        self.before: set[str] = set()

    @contextlib.contextmanager
    def made(self, suite: str, mirror: str | None) -> Iterator[None]:
        """Make the root, and remove it afterwards."""
        shutil.rmtree(self.root, ignore_errors=True)
        command = [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={','.join(DESKTOP)}",
            suite,
            str(self.root),
        ]
        check(subprocess.run([*command, *([mirror] if mirror else [])], check=False), "mmdebstrap")
        for name in ("resolv.conf", "hosts"):
            with contextlib.suppress(OSError):
                shutil.copyfile(f"/etc/{name}", self.root / "etc" / name)
        mounts = {"/proc": "proc", "/dev": "dev", "/sys": "sys", "/tmp/.X11-unix": "tmp/.X11-unix"}
        Path("/tmp/.X11-unix").mkdir(exist_ok=True)
        for source, place in mounts.items():
            (self.root / place).mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--rbind", "--make-rslave", source, str(self.root / place)], check=True)
        try:
            self.as_root("useradd", "--create-home", "--home-dir", HOME, "--uid", "1234", "person")
            yield
        finally:
            for place in reversed(mounts.values()):
                subprocess.run(["umount", "-R", "-l", str(self.root / place)], check=False)
            shutil.rmtree(self.root, ignore_errors=True)

    def as_root(self, *command: str) -> str:
        """Run a command in the root, with the machine's network, and return its output."""
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            ["chroot", str(self.root), *command], env=environment, capture_output=True, text=True, check=False
        )
        return check(done, command[0])

    def command_of(self, command: tuple[str, ...], **variables: str) -> list[str]:
        """Return the command line that runs a command as an ordinary user without any network."""
        environment = {
            "HOME": HOME, "USER": "person", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
            "QT_QPA_PLATFORM": "offscreen", **variables,
        }  # fmt: skip
        assignments = [f"{name}={value}" for name, value in environment.items() if value]
        inside = ["chroot", "--userspec=1234:1234", str(self.root), "/usr/bin/env", "-i", "-C", HOME, *assignments]
        return ["unshare", "--net", *inside, *command]

    def as_person(self, *command: str, seconds: int = 900, expected: int = 0, **variables: str) -> str:
        """Run a command as an ordinary user without any network and return its output, with that of errors."""
        try:
            done = subprocess.run(
                self.command_of(command, **variables),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Failure(f"{command[0]} did not end within {seconds} s") from error
        if done.returncode != expected:
            raise Failure(f"{' '.join(command[:3])} ended with {done.returncode}: {done.stdout.strip()[-1500:]}")
        return done.stdout

    @contextlib.contextmanager
    def window(self, *command: str, **variables: str) -> Iterator[float]:
        """Start a command that opens the window; yields the seconds until it stands there, and closes it."""
        began = time.monotonic()
        with (SHOTS / "window.log").open("w") as log:
            process = subprocess.Popen(
                self.command_of(command, QT_QPA_PLATFORM="", DISPLAY=DISPLAY, **variables), stdout=log, stderr=log
            )
            try:
                while not windows():
                    if time.monotonic() - began > WINDOW_SECONDS:
                        raise Failure(f"no window came: {(SHOTS / 'window.log').read_text()[-1000:]}")
                    time.sleep(0.05)
                yield time.monotonic() - began
            finally:
                for window in windows():
                    xdo("windowclose", window)
                subprocess.run(["pkill", "-u", "1234"], check=False)
                process.wait(30)

    def files(self) -> set[str]:
        """Return all files of the root but those of the machine, of dpkg and of the person."""
        skipped = ("proc", "dev", "sys", "tmp", "run", "var/lib/dpkg", "var/lib/apt", "var/cache", "var/log", "home")
        prune = [part for each in skipped for part in ("-path", f"./{each}", "-prune", "-o")]
        found = subprocess.run(
            ["find", ".", *prune, "-print"], cwd=self.root, capture_output=True, text=True, check=True
        )
        return set(found.stdout.splitlines())


def install(test: PackageTest) -> str:
    """Installed by apt."""
    test.as_root("apt-get", "update", "-qq")
    depends = subprocess.run(
        ["dpkg-deb", "-f", str(test.package), "Depends"], capture_output=True, text=True, check=True
    ).stdout
    names = [each.split("(")[0].split("|")[0].strip() for each in depends.split(",")]
    test.as_root("apt-get", "install", "-qq", "-y", *names, *WINDOW_LIBRARIES)
    test.before = test.files()
    shutil.copyfile(test.package, test.root / "tmp" / "package.deb")
    test.as_root("apt-get", "install", "-qq", "-y", "/tmp/package.deb")
    (test.root / "tmp" / "package.deb").unlink()
    return f"{len(test.files() - test.before)} files"


def doctor_and_demo(test: PackageTest) -> str:
    """Doctor, demo, training, MP4 as an ordinary user without a network."""
    shutil.copyfile(ROOT / "packaging" / "trial.py", test.root / "var" / "tmp" / "trial.py")
    said = test.as_person(COMMAND_LINE, "doctor")
    if "MISSING" in said:
        raise Failure(said)
    test.as_person(COMMAND_LINE, "demo", "--out", f"{HOME}/demo ä")
    report = test.root / HOME[1:] / "demo ä" / "report.json"
    if '"flipped": true' not in report.read_text():
        raise Failure("the demo's picture did not change its class")
    return "flipped"


def window(test: PackageTest) -> str:
    """Window with readable text."""
    with test.window(PROGRAM) as seconds:
        time.sleep(15)
        shot("window")
    return f"it came after {seconds:.1f} s; look at {SHOTS / 'window.png'}"


def association(test: PackageTest) -> str:
    """An .explainer opens through its association."""
    path = f"{HOME}/my leaf.explainer"
    test.as_person("cp", EXPLAINER, path)
    kind = test.as_person("gio", "info", "-a", "standard::content-type", path).split()[-1]
    said = test.as_person("gio", "mime", kind).splitlines()[0]
    if "org.latentexplorer.LatentExplorer.desktop" not in said:
        raise Failure(f"{kind}: {said}")
    with test.window("gio", "open", path):
        for _ in range(60):
            titles = [xdo("getwindowname", each) for each in windows()]
            if any("my leaf" in title or "leaf-health" in title for title in titles):
                break
            time.sleep(0.5)
        else:
            raise Failure(f"the window's title does not name the file: {titles}")
        time.sleep(8)
        shot("association")
    return f"{kind}, title {titles[0]!r}"


def training(test: PackageTest) -> str:
    """A quick-look training for a minute, then interrupted."""
    data, run = f"{HOME}/pictures", f"{HOME}/run"
    test.as_person("mkdir", "-p", data)
    sys.path.insert(0, str(ROOT / "packaging"))
    from trial import CLASSES, png

    for index in range(80):
        folder = test.root / data[1:] / CLASSES[index % 2]
        folder.mkdir(exist_ok=True)
        (folder / f"{index}.png").write_bytes(png(64, 200 - 120 * (index % 2) + index, index))
    train = (COMMAND_LINE, "train", data, "--classifier", EXPLAINER, "--preset", "quick-look", "--out", run)
    said = test.as_person("timeout", "-s", "INT", str(TRAINING_SECONDS), *train, expected=124, seconds=600)
    kept = [path.name for path in (test.root / run[1:]).iterdir()]
    if not any("checkpoint" in name for name in kept):
        raise Failure(f"no checkpoint was kept: {kept}, {said[-500:]}")
    return f"{len(kept)} files in the run"


def any_folder(test: PackageTest) -> str:
    """Moved to a folder with a space and umlauts."""
    folder = "/var/tmp/Prögramme und mehr"
    shutil.copytree(test.root / "opt" / "latent-explorer", test.root / folder[1:], symlinks=True)
    try:
        said = test.as_person(f"{folder}/latent-explorer-cli", "doctor")
    finally:
        shutil.rmtree(test.root / folder[1:])
    if "MISSING" in said:
        raise Failure(said)
    return ""


def read_only_home(test: PackageTest) -> str:
    """A home folder that cannot be written."""
    home = test.root / "var/tmp/locked"
    home.mkdir(mode=0o555, exist_ok=True)
    said = test.as_person(COMMAND_LINE, "doctor", HOME="/var/tmp/locked")
    if "cannot be written" not in said:
        raise Failure(said)
    with test.window(PROGRAM, HOME="/var/tmp/locked"):
        time.sleep(8)
        shot("read-only-home")
    return f"doctor says so, the window comes; look at {SHOTS / 'read-only-home.png'}"


def no_tmp(test: PackageTest) -> str:
    """A /tmp that cannot be written."""
    tmp = test.root / "tmp"
    mode = tmp.stat().st_mode
    tmp.chmod(0o555)
    try:
        test.as_person(COMMAND_LINE, "doctor")
        with test.window(PROGRAM):
            time.sleep(5)
    finally:
        tmp.chmod(mode)
    return ""


def second_instance(test: PackageTest) -> str:
    """A second window beside the first."""
    with test.window(PROGRAM):
        time.sleep(5)
        process = subprocess.Popen(test.command_of((PROGRAM,), QT_QPA_PLATFORM="", DISPLAY=DISPLAY))
        time.sleep(20)
        count = len(windows())
        if process.poll() not in (None, 0) or count < 2:
            raise Failure(f"{count} windows, the second program ended with {process.poll()}")
    return f"{count} windows"


def broken_python(test: PackageTest) -> str:
    """Beside a system Python with a broken PySide6 and torch, and foreign libraries in LD_LIBRARY_PATH."""
    broken = test.root / "var/tmp/broken"
    for name in ("PySide6", "torch", "numpy"):
        (broken / name).mkdir(parents=True, exist_ok=True)
        (broken / name / "__init__.py").write_text("raise RuntimeError('the broken one was imported')\n")
    for name in ("libQt6Core.so.6", "libpython3.11.so.1.0", "libstdc++.so.6", "libtorch_cpu.so"):
        (broken / name).write_bytes(b"not a library")
    variables = {"PYTHONPATH": "/var/tmp/broken", "LD_LIBRARY_PATH": "/var/tmp/broken", "PYTHONHOME": "/var/tmp/broken"}
    said = test.as_person(COMMAND_LINE, "doctor", **variables)
    if "MISSING" in said:
        raise Failure(said)
    return ""


def wayland_only(test: PackageTest) -> str:
    """On a machine with Wayland alone that does not answer, a message."""
    said = test.as_person(PROGRAM, QT_QPA_PLATFORM="", WAYLAND_DISPLAY="wayland-7", expected=1, seconds=120)
    if "wayland-7" not in said or "Traceback" in said:
        raise Failure(said)
    return said.strip().splitlines()[-1]


def removal(test: PackageTest) -> str:
    """Removal leaves nothing but what the person made."""
    test.as_root("apt-get", "purge", "-qq", "-y", "latent-explorer")
    # The caches of the file types and the icons are other packages' files, written anew.
    left = {path for path in test.files() - test.before if "/mime/" not in path and "mimeinfo.cache" not in path}
    left = {path for path in left if not path.startswith("./var/tmp")}
    if left:
        raise Failure(", ".join(sorted(left)[:10]))
    if not (test.root / HOME[1:] / "demo ä").is_dir():
        raise Failure("what the person made is gone")
    return ""


STEPS = (
    install, doctor_and_demo, window, association, training, any_folder, read_only_home, no_tmp, second_instance,
    broken_python, wayland_only, removal,
)  # fmt: skip


@contextlib.contextmanager
def screen() -> Iterator[None]:
    """A screen of 1366 x 768 with a window manager."""
    server = subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", "1366x768x24", "-ac"], stderr=subprocess.DEVNULL)
    time.sleep(2)
    manager = subprocess.Popen(["openbox"], env={**os.environ, "DISPLAY": DISPLAY}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        manager.terminate()
        server.terminate()


def windows() -> list[str]:
    """Return the program's windows."""
    return xdo("search", "--onlyvisible", "--class", "latent-explorer").split()


def xdo(*command: str) -> str:
    asked = subprocess.run(
        ["xdotool", *command],
        env={**os.environ, "DISPLAY": DISPLAY, "LC_ALL": "C.UTF-8"},  # titles hold a dash
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()


def shot(name: str) -> None:
    """Save what the screen shows."""
    subprocess.run(["import", "-display", DISPLAY, "-window", "root", str(SHOTS / f"{name}.png")], check=True)


def check(done: subprocess.CompletedProcess[str], name: str) -> str:
    if done.returncode != 0:
        raise Failure(f"{name} ended with {done.returncode}: {shlex.quote((done.stderr or '')[-1000:])}")
    return done.stdout


if __name__ == "__main__":
    main()
