# SPDX-License-Identifier: MIT
"""Time from the start of the process to the visible window and to the first picture, and memory in use then.

Method. `latent-explorer` is started five times, with LATENT_EXPLORER_TIMING=1 it says on stderr when its window was
first painted and when the first picture was (seconds since the process began). The yardstick is a process of the same
interpreter that imports torch and ends: the ratio says whether the window waits for torch.
Needs a display (run it under Xvfb where there is none).
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import time

RUNS = 5
LINE = re.compile(r"LATENT_EXPLORER_TIMING (\w+)=([\d.]+)")
TIMEOUT = 60.0


def peak_memory(pid: int) -> float:
    """Return the peak resident memory in MB; 0 where /proc is missing."""
    try:
        with open(f"/proc/{pid}/status") as file:
            found = re.search(r"VmHWM:\s+(\d+) kB", file.read())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def run_once() -> dict[str, float]:
    """Start the program, wait for both lines, read its memory and end it."""
    environment = {**os.environ, "LATENT_EXPLORER_TIMING": "1"}
    command = [sys.executable, "-m", "latent_explorer"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found: dict[str, float] = {}
    deadline = time.monotonic() + TIMEOUT
    for line in process.stderr:
        if match := LINE.search(line):
            found[match[1]] = float(match[2])
        if "first_picture" in found or time.monotonic() > deadline:
            break
    time.sleep(3)  # thumbnails
    found["memory"] = peak_memory(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    if "first_picture" not in found:
        sys.exit("The window did not show a picture. Is there a display?")
    return found


def import_torch() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.perf_counter() - start


def main() -> None:
    run_once()  # file cache
    runs = [run_once() for _ in range(RUNS)]
    torch_seconds = statistics.median(import_torch() for _ in range(RUNS))
    print(f"a process that imports torch: {torch_seconds:.2f} s")
    for name in ("window_visible", "first_picture"):
        median = statistics.median(r[name] for r in runs)
        print(f"{name:16} median {median:5.2f} s   {median / torch_seconds:4.2f} x that")
    print(f"peak memory      {max(r['memory'] for r in runs):5.0f} MB")


if __name__ == "__main__":
    main()
