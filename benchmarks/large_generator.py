# SPDX-License-Identifier: MIT
"""A large StyleGAN2 in the program: time and memory of import, opening and dragging, and the rate of drafts.

    python benchmarks/large_generator.py write network.pkl --size 1024     a network of random weights
    python benchmarks/large_generator.py measure network.pkl               its figures

Method. `write` makes config-f (32768 / resolution channels, at most 512, and 512 wide latents) with random weights in
the container of NVIDIA's PyTorch code, as its `persistence` module pickles it. `measure` runs every step in a process
of its own, whose peak of resident memory the operating system reports (`ru_maxrss`): the imports alone, as a yardstick;
`import FILE`; then the headless application opens the explainer and moves a style coordinate, as a drag does. A drag is
SECONDS long, one move every 10 ms, ended by a release. The rate counts the pictures that came meanwhile; the whole
picture's time is from the release to the picture, and alone. What else runs on the machine slows all of it, so the
ratio of the two times says more than either.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import queue
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.explorer import Explorer
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.attributes import Attribute, AttributeEntry
from latent_explorer.models.stylegan2 import Generator

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 8.0  # of a drag
MOVE = 0.01  # seconds between two moves
TIMEOUT = 300.0


class Persistent:
    """Pickles as a module that NVIDIA's `persistence` decorated: a call of theirs with the class's source and state."""

    def __init__(self, module: torch.nn.Module, **settings: Any) -> None:
        self.module, self.settings = module, settings

    def __reduce__(self) -> tuple[Any, ...]:
        state = {
            "training": False,
            "_parameters": dict(self.module._parameters),
            "_buffers": dict(self.module._buffers),
            "_modules": {name: Persistent(child) for name, child in self.module._modules.items()},
            "_init_kwargs": self.settings,
        }
        meta = {"type": "class", "version": 6, "module_src": "", "class_name": "Generator", "state": state}
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (meta,)


def _reconstruct_persistent_obj(_meta: object) -> None:
    raise AssertionError("called")


def write(path: Path, size: int) -> None:
    """Write config-f of `size` px with random weights."""
    for name in ("torch_utils", "torch_utils.persistence"):
        sys.modules[name] = types.ModuleType(name)
    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    torch.manual_seed(0)
    channels = tuple(min(512, 32768 // (4 << k)) for k in range(size.bit_length() - 2))
    generator = Generator(GeneratorConfig(channels)).eval()
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.05)
            elif name.endswith("torgb.weight"):
                parameter.mul_(0.2)  # so that pictures are not clipped everywhere
        generator.mapping.w_avg.copy_(generator.mapping(torch.randn(1000, 512)).mean(dim=0))
    settings = {"z_dim": 512, "c_dim": 0, "w_dim": 512, "img_resolution": size, "img_channels": 3}
    content = {"G": None, "D": None, "G_ema": Persistent(generator, **settings)}
    with path.open("wb") as file:
        pickle.dump(content, file)


class Driver:
    """Main thread of a headless application."""

    def __init__(self, folder: Path) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.explorer = Explorer(self.posted.put, data_dir=folder, config_dir=folder)
        self.whole: list[updates.MainPicture] = []
        self.drafts: list[updates.DraftPicture] = []
        self.explorer.updates.on(updates.MainPicture, self.whole.append)
        self.explorer.updates.on(updates.DraftPicture, self.drafts.append)
        self.explorer.updates.on(updates.ErrorReport, self._exit)

    def _exit(self, error: updates.ErrorReport) -> None:
        sys.exit(f"{error.operation}: {error.failure.message}")

    def wait_for_whole(self) -> float:
        """Return the seconds until the next whole picture."""
        start, known = time.perf_counter(), len(self.whole)
        while len(self.whole) == known:
            self.posted.get(timeout=TIMEOUT)()
        return time.perf_counter() - start

    def drag(self, style_index: int) -> dict[str, Any]:
        """Drag a style coordinate and let it go."""
        attribute = Attribute("", 0, (AttributeEntry(style_index, "max"),))
        drafts, whole = len(self.drafts), len(self.whole)
        self.explorer.begin_gesture()
        start = time.perf_counter()
        step = 0
        while time.perf_counter() - start < SECONDS:
            step += 1
            self.explorer.apply(SetAttribute(attribute, 0.8 * ((step % 200) - 100) / 100 + 0.001))
            end = time.perf_counter() + MOVE
            while (left := end - time.perf_counter()) > 0:
                try:
                    self.posted.get(timeout=left)()
                except queue.Empty:
                    break
        took = time.perf_counter() - start
        seen = self.drafts[drafts:]
        wholes = len(self.whole) - whole
        self.explorer.apply(SetAttribute(attribute, 0.9))
        self.explorer.end_gesture()
        return {
            "draft_px": sorted({d.draft.resolution for d in seen}),
            "drafts_per_s": round(len(seen) / took, 1),
            "draft_ms": round(1000 * statistics.median(d.draft.seconds for d in seen), 1) if seen else None,
            "wholes_during": wholes,
            "release_to_whole_s": round(self.wait_for_whole(), 2),
            "whole_ms": round(1000 * self.whole[-1].result.seconds),
        }


def step_import(file: Path, out: Path) -> dict[str, Any]:
    from latent_explorer.cli.import_generator import import_generator

    start = time.perf_counter()
    import_generator([str(file), "--out", str(out)], standalone_mode=False)
    return {"seconds": round(time.perf_counter() - start, 1), "bytes": out.stat().st_size}


def step_open(explainer: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(Path(folder))
        start = time.perf_counter()
        driver.explorer.open_path(explainer)
        driver.wait_for_whole()
        opened = time.perf_counter() - start
        memory = _peak()
        explorer = driver.explorer
        assert explorer.summary is not None
        layout = explorer.summary.layout
        drags = {}
        for name in ("b8.conv1", "b32.conv1", f"b{explorer.summary.resolution // 4}.conv0"):
            drags[name] = driver.drag(layout.index(name, 0))
        explorer.close()
    return {"open_s": round(opened, 1), "open_peak_mb": memory, "drags": drags}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 10)


def measure(file: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        explainer = Path(folder) / "large.explainer"
        for step in ("nothing", "import", "open"):
            command = [sys.executable, __file__, step, str(file), "--out", str(explainer)]
            print(step, subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("write", "measure", "nothing", "import", "open"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.step == "write":
        write(options.file, options.size)
    elif options.step == "measure":
        measure(options.file)
    else:
        found: dict[str, Any] = {}
        if options.step == "import":
            found = step_import(options.file, options.out)
        elif options.step == "open":
            found = step_open(options.out)
        print(json.dumps({"peak_mb": _peak(), **found}))


if __name__ == "__main__":
    main()
