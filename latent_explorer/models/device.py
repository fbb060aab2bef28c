# SPDX-License-Identifier: MIT
"""Devices that torch can compute on, and the choice among them. No tensors are made here."""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from latent_explorer.common.errors import UserError

AUTO = "auto"

# Files of NVIDIA's driver: on Linux, in the Windows Subsystem for Linux, on Windows.
NVIDIA_DRIVER = (
    Path("/proc/driver/nvidia/version"),
    Path("/usr/lib/wsl/lib/libcuda.so.1"),
    Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "nvcuda.dll"),
)
CARD_IDLE = (
    "This computer has an NVIDIA card, but this build computes on the processor only. For the card, get the archive "
    "whose name ends in “-cuda.tar.zst” (Linux), or install PyTorch for CUDA into a Python environment, as "
    "https://pytorch.org/get-started/locally says."
)


@dataclass(frozen=True)
class DeviceInfo:
    """Device as listed in a menu: `id` is torch's name ("cpu", "cuda:0", "mps"), `name` is shown to people."""

    id: str
    name: str
    note: str = ""  # sentence on what keeps it from being a faster one


def devices() -> list[DeviceInfo]:
    """Return all devices of this machine: first the one that "auto" takes, last the CPU."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = [torch.cuda.get_device_name(i) for i in range(count)]
    found = [
        DeviceInfo(f"cuda:{i}", name if names.count(name) == 1 else f"{name} ({i})") for i, name in enumerate(names)
    ]
    if torch.backends.mps.is_available():
        found.append(DeviceInfo("mps", "Apple GPU"))
    threads = torch.get_num_threads()
    return [*found, DeviceInfo("cpu", f"CPU, {threads} thread{'s' if threads > 1 else ''}", _idle_card())]


def _idle_card() -> str:
    """Return how to use the NVIDIA card of this machine if PyTorch was built without CUDA, else "".

    That the driver is there is seen from its files: nothing is loaded, and no program is started.
    """
    built_for_cards = torch.version.cuda or torch.version.hip
    return CARD_IDLE if not built_for_cards and any(file.exists() for file in NVIDIA_DRIVER) else ""


def choose_device(requested: str = AUTO) -> torch.device:
    """Return the device called `requested`, or the best one for "auto".

    Raises UserError, which names the devices of this machine, if it has no such device.
    """
    known = [device.id for device in devices()]
    if requested == AUTO:
        return torch.device(known[0])
    if requested == "cuda" and "cuda:0" in known:
        return torch.device("cuda:0")
    if requested not in known:
        raise UserError(f"There is no device {requested!r} on this machine. Choose auto or one of: {', '.join(known)}.")
    return torch.device(requested)


def free_memory() -> None:
    """Release cached, unused memory of every device, after one of them ran out."""
    gc.collect()
    return_freed_memory()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def return_freed_memory() -> None:
    """Give memory that was freed back to the operating system, which takes some 10 ms. Only glibc (Linux) needs it.

    glibc keeps what lies between small pieces in use. The tensors of one picture of 1024 px leave 12 MB of it, which
    later ones do not fit into, since they are aligned: half a gigabyte after 32 pictures.
    """
    if (trim := _malloc_trim()) is not None:
        trim(0)


@functools.cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
