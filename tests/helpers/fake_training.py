# SPDX-License-Identifier: MIT
"""A training that learns nothing: it writes a run folder as the real one does, and obeys `request`. Run as a script.

`fake_training.py train DATA ... --out RUN [--resume]`. A file DATA/behave says what goes wrong: "refuse" before there
is a run, "fail" in the middle, "die" without a word.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.run_folder import RunFolder, RunStatus

TOTAL, STEP = 400, 8


def say(run: RunFolder, state: str, images: int, message: str = "") -> None:
    status = RunStatus(
        state, "explainer", message, images, TOTAL, images, TOTAL, device="cpu",
        pid=os.getpid(), updated=time.time(), command=sys.argv,
    )  # fmt: skip
    run.write_status(status)


def fail(message: str) -> int:
    print(json.dumps({"event": "error", "kind": "user", "message": message}), flush=True)
    return 1


def main(arguments: list[str]) -> int:
    out = RunFolder(Path(arguments[arguments.index("--out") + 1]))
    if arguments[0] == "export":
        out.path.write_text("e" * 64)
        return 0
    data = Path(out.config().data.path if "--resume" in arguments else arguments[1])
    behave = (data / "behave").read_text() if (data / "behave").is_file() else ""
    if behave == "refuse":
        return fail("There are no pictures.")
    with out.hold():
        if "--resume" not in arguments:
            out.create(TrainConfig(DataConfig(str(data))))
        return train(out, behave)


def train(run: RunFolder, behave: str) -> int:
    checkpoint = run.checkpoints / "00000000.pt"
    images = int(checkpoint.read_text()) if checkpoint.exists() else 0
    while images < TOTAL:
        images += STEP
        checkpoint.write_text(str(images))
        run.append_metrics(images, {"l1": 1 / images})
        if images % 80 == 0:
            run.log_line(f"{images} images.")
        say(run, "running", images)
        if behave == "fail" and images >= 80:
            say(run, "failed", images, "The pictures vanished.")
            return fail("The pictures vanished.")
        if behave == "die" and images >= 80:
            os.kill(os.getpid(), signal.SIGKILL)
        if asked := run.pop_request():
            say(run, "paused" if asked == "pause" else "stopped", images)
            return 0
        time.sleep(0.02 if behave != "slow" else 0.2)
    run.result.write_text("f" * 64)
    say(run, "finished", images)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
