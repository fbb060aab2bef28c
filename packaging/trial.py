# SPDX-License-Identifier: MIT
"""Try a frozen or installed program as people use it: every line of the result was run, and each can fail.

    python packaging/trial.py /opt/latent-explorer/latent-explorer-cli

It needs no screen and nothing but the standard library. `--networks DIR` names state dicts to import (networks.py).
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = ("window.png", "attributes.png", "flip.gif", "report.json")  # of each bundled explainer
DEMO_FILES = (*SHOWN, *(f"shortcut/{name}" for name in SHOWN), "report.html")
CLASSES = ("bright", "dark")
SIDE = 64  # px
LONGEST = 900  # seconds a step may take on a slow machine


class Failure(Exception):
    """A step did not do what it should; its text says what."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Try a frozen program.")
    parser.add_argument("program", type=Path, help="latent-explorer-cli")
    parser.add_argument("--networks", type=Path, help="folder of state dicts that it has to import")
    parser.add_argument("--keep", type=Path, help="folder for what the demo writes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trial ü ") as folder:  # a space and an umlaut, as in many user names
        trial = Trial(options.program.resolve(), Path(folder), options.keep and options.keep.resolve())
        steps: list[tuple[str, Callable[[], str]]] = [
            ("doctor, with LPIPS on a known pair", trial.doctor),
            ("demo, with its GIFs", trial.demo),
            ("training of five steps, in a child", trial.training),
            ("MP4", trial.video),
        ]
        networks = sorted(options.networks.resolve().glob("*.pth")) if options.networks else []
        steps += [(f"import of {path.stem}", lambda path=path: trial.network(path)) for path in networks]
        failed = 0
        for name, step in steps:
            began = time.monotonic()
            try:
                said = step()
            except Failure as failure:
                failed += 1
                print(f"FAILED  {name}: {failure}", flush=True)
            else:
                print(f"ok      {name} ({time.monotonic() - began:.0f} s){said and ': ' + said}", flush=True)
    sys.exit(1 if failed else 0)


class Trial:
    """The steps; each returns what it saw, and raises Failure."""

    def __init__(self, program: Path, folder: Path, keep: Path | None) -> None:
        self.program, self.folder = program, folder
        self.demo_folder = keep or folder / "demo"
        # Neither Python's variables nor caches of weights: as on a machine without Python.
        hidden = ("PYTHON", "VIRTUAL_ENV", "TORCH_HOME", "HF_", "LATENT_EXPLORER")
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
        self.environment |= {"QT_QPA_PLATFORM": "offscreen", "LATENT_EXPLORER_RUNS": str(folder / "runs")}
        self.environment |= {
            name: str(folder / name) for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
        }

    def run(self, *arguments: str | Path) -> str:
        """Run the program with these arguments and return its standard output."""
        command = [str(self.program), *map(str, arguments)]
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=self.environment, capture_output=True, timeout=LONGEST, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(str(error)) from error
        output, errors = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if done.returncode != 0:
            raise Failure(f"{' '.join(command[:3])} ended with {done.returncode}: {(errors or output).strip()[-1500:]}")
        return output

    def doctor(self) -> str:
        lines = self.run("doctor").splitlines()
        for needed in ("LPIPS (alex)", "LPIPS (squeeze)", "bundled explainer", "font"):
            line = next((line for line in lines if f" {needed} " in line), f"no line about {needed}")
            if not line.startswith("ok"):
                raise Failure(line)
        if not any("timm" in line and "av" in line for line in lines if " extras " in line):
            raise Failure("timm or av is not in it")
        return "installed program" if any("installed program" in line for line in lines) else "not a frozen program"

    def demo(self) -> str:
        self.run("demo", "--out", self.demo_folder)
        missing = [name for name in DEMO_FILES if not (self.demo_folder / name).is_file()]
        if missing:
            raise Failure(f"it did not write {', '.join(missing)}")
        report = json.loads((self.demo_folder / "report.json").read_text(encoding="utf-8"))
        if not report["flipped"]:
            raise Failure("its picture did not change the class")
        return f"model {report['model_hash'][:16]}"

    def training(self) -> str:
        data = self._pictures()
        run = self.folder / "run"
        settings = ("--set", "batch=8", "--set", "mapping_steps=5", "--set", "validate_every=40")
        explainer = self._bundled()
        self.run(
            "train", data, "--classifier", explainer, "--preset", "quick-look", "--images", "40", "--attributes", "0",
            *settings, "--out", run,
        )  # fmt: skip
        result = run / "result.explainer"
        if not result.is_file():
            raise Failure("it wrote no result.explainer")
        self.run("info", result)
        return f"{result.stat().st_size / 1e6:.1f} MB"

    def video(self) -> str:
        out = self.folder / "videos"
        self.run("export-all", self._bundled(), "--format", "mp4", "--top", "1", "--samples", "1", "--out", out)
        videos = list(out.rglob("*.mp4"))
        if not videos or b"ftyp" not in videos[0].read_bytes()[:16]:
            raise Failure("it wrote no MP4")
        return f"{videos[0].stat().st_size / 1e3:.0f} kB"

    def network(self, path: Path) -> str:
        out = self.folder / f"{path.stem}.classifier"
        self.run(
            "import-classifier", path, "--class-names", ",".join(CLASSES), "--data", self._pictures(), "--out", out
        )
        if not out.is_file():
            raise Failure("it wrote no classifier")
        return f"{out.stat().st_size / 1e6:.1f} MB"

    def _bundled(self) -> Path:
        root = self.program.parent
        for folder in (root / "_internal", root.parent / "Resources", root.parent / "Frameworks"):
            found = folder / "latent_explorer" / "_resources" / "explainers" / "leaf-health.explainer"
            if found.is_file():
                return found
        raise Failure("the bundled explainer is not where it should be")

    def _pictures(self) -> Path:
        """Return a folder of 80 small pictures of two classes, made once."""
        data = self.folder / "Bilder für alle"
        for index in range(80):
            folder = data / CLASSES[index % 2]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{index}.png").write_bytes(png(SIDE, 200 - 120 * (index % 2) + index, index))
        return data


def png(side: int, level: int, shift: int) -> bytes:
    """Return an RGB picture with a gradient, so that no two are equal."""
    rows = b"".join(
        b"\0" + bytes((level + (x * (shift + 1) + y * 7) % 50) % 256 for x in range(side) for _ in range(3))
        for y in range(side)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


if __name__ == "__main__":
    main()
