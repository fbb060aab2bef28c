# SPDX-License-Identifier: MIT
"""Build the frozen program in dist/latent-explorer and try it: the build fails unless doctor and demo pass.

The environment under build/package-venv must hold a CPU build of PyTorch: a CUDA build would make the folder five
times as large, and installers are limited to 2 GB. If pip finds none by itself, name PyTorch's index of CPU builds:

    python packaging/build.py --torch-index https://download.pytorch.org/whl/cpu
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "build" / "package-venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PROGRAM = ROOT / "dist" / "latent-explorer" / ("latent-explorer.exe" if os.name == "nt" else "latent-explorer")

# One version of PyTorch for every build of a release, and the matching torchvision.
TORCH = ("torch==2.13.0", "torchvision==0.28.0")
PYINSTALLER = "pyinstaller==6.22.3"
SHOWN = ("window.png", "attributes.png", "flip.gif", "report.json")  # of each bundled explainer
DEMO_FILES = (*SHOWN, *(f"shortcut/{name}" for name in SHOWN), "report.html")
MAX_MEGABYTES = 1500


def main() -> None:
    parser = argparse.ArgumentParser(description="Build and try the frozen program.")
    parser.add_argument("--torch-index", metavar="URL", help="where pip finds CPU builds of PyTorch")
    make_environment(parser.parse_args().torch_index)
    freeze()
    try_program()
    files = (path for path in PROGRAM.parent.rglob("*") if not path.is_symlink())
    size = sum(path.stat().st_size for path in files if path.is_file()) / 1e6
    print(f"{PROGRAM.parent}: {size:.0f} MB, doctor and demo pass")
    if size > MAX_MEGABYTES:
        sys.exit(f"The folder is larger than {MAX_MEGABYTES} MB: something unwanted was collected.")


def make_environment(torch_index: str | None) -> None:
    """Make the environment to freeze from; a second build only updates the project itself."""
    if not (BIN / "pip").exists() and not (BIN / "pip.exe").exists():
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, *TORCH, *(["--index-url", torch_index] if torch_index else [])])
    run([*pip, *TORCH, PYINSTALLER, "-e", str(ROOT)])
    check = "import sys, torch; sys.exit(torch.version.cuda is not None)"
    if subprocess.run([str(BIN / "python"), "-c", check], check=False).returncode != 0:
        sys.exit("pip found a CUDA build of PyTorch. Name an index of CPU builds with --torch-index.")


def freeze() -> None:
    command = [str(BIN / "python"), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", str(ROOT / "dist"), "--workpath", str(ROOT / "build" / "pyinstaller")]
    run([*command, str(ROOT / "packaging" / "latent_explorer.spec")])


def try_program() -> None:
    """Run the frozen program outside the source tree, without a screen and without Python's variables."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as folder:
        run([str(PROGRAM), "doctor"], cwd=folder, env=environment)
        run([str(PROGRAM), "demo", "--out", "demo"], cwd=folder, env=environment)
        made = Path(folder) / "demo"
        missing = [name for name in DEMO_FILES if not (made / name).is_file()]
        if missing:
            sys.exit(f"The frozen demo did not write {', '.join(missing)}.")
        report = json.loads((made / "report.json").read_text(encoding="utf-8"))
        print(f"demo: model {report['model_hash'][:16]}, flipped: {report['flipped']}")
        kept = ROOT / "build" / "package-demo"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(made, kept)


def run(command: list[str], **options: object) -> None:
    print("$", " ".join(command), flush=True)
    done = subprocess.run(command, check=False, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        sys.exit(f"{Path(command[0]).name} failed with {done.returncode}.")


if __name__ == "__main__":
    main()
