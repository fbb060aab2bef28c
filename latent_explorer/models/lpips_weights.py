# SPDX-License-Identifier: MIT
"""Published backbones of LPIPS: their place in torch's cache, and their download, only on request. No torch."""

from __future__ import annotations

import hashlib
import http.client
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.format import size_text
from latent_explorer.common.network import deadline_opener
from latent_explorer.common.paths import atomic_path, resources_dir

if TYPE_CHECKING:
    from collections.abc import Generator

SERVER = "https://download.pytorch.org/models/"
READ_TIMEOUT = 20.0  # seconds without a byte
DEADLINE = 900.0  # seconds for the whole file
_CHUNK = 1 << 18


@dataclass(frozen=True)
class Backbone:
    """File published by torchvision, with its SHA-256 in hexadecimal."""

    file: str
    megabytes: int
    sha256: str


# LPIPS figures are usually reported with AlexNet. LPIPS does not use the dense layers, most of its file, but only the
# whole file can be checked, and other programs share the cache. SqueezeNet is small; its figures differ.
NETS = {
    "alex": Backbone(
        "alexnet-owt-7be5be79.pth", 244, "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02"
    ),
    "squeeze": Backbone(
        "squeezenet1_1-b8a52dc0.pth", 5, "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b"
    ),
}


def backbone_path(net: str) -> Path:
    """Return the path of the backbone of `net` ("alex" or "squeeze"); the file need not exist.

    It is the program's own, which the installed program comes with, else that in torch's cache.
    """
    own = resources_dir() / "lpips" / NETS[net].file
    if own.is_file():
        return own
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints" / NETS[net].file


def lpips_available(net: str = "alex") -> bool:
    """Return True if LPIPS can be computed without a download."""
    return backbone_path(net).is_file()


def fetch_backbone(net: str, *, server: str | None = None, deadline: float = DEADLINE) -> Generator[Event, None, Path]:
    """Download the weights of `net` into torch's cache; yields Progress in bytes, returns their path.

    The file appears only when complete and if its SHA-256 is the published one; closing the generator leaves nothing
    behind. Raises UserError for failures of network, server or disk, and after `deadline` seconds, however slowly the
    server sends.
    """
    target = backbone_path(net)
    if target.is_file():
        return target
    url = (server or SERVER) + NETS[net].file
    until = time.monotonic() + deadline
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            deadline_opener(deadline) as opener,
            opener.open(url, timeout=READ_TIMEOUT) as answer,
            atomic_path(target) as temporary,
            temporary.open("wb") as file,
        ):
            digest = yield from _copy(answer, file, net, until)
            if digest != NETS[net].sha256:
                raise UserError(
                    f"What {url} sent is not the published file: its SHA-256 begins with {digest[:8]}. Nothing was "
                    "kept. Try again later, or from another network."
                )
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: cut in the middle of a read
        if time.monotonic() > until:
            raise UserError("The server did not answer in time. Nothing was kept; try again later.") from error
        raise UserError(
            f"The weights could not be fetched from {url}: {getattr(error, 'reason', None) or error}. "
            f"Check the network and the space for {NETS[net].megabytes} MB, or copy the file to {target} yourself."
        ) from error
    return target


def _copy(answer: IO[bytes], file: IO[bytes], net: str, until: float) -> Generator[Event, None, str]:
    """Copy the server's answer, at most twice the published size; return its SHA-256 in hexadecimal."""
    total = NETS[net].megabytes * 1_000_000
    digest, done, started = hashlib.sha256(), 0, time.monotonic()
    # `read1` returns what has come; `read` would wait for a whole chunk.
    while chunk := answer.read1(_CHUNK):  # type: ignore[attr-defined]
        done += len(chunk)
        if time.monotonic() > until or done > 2 * total:
            break
        digest.update(chunk)
        file.write(chunk)
        left = (time.monotonic() - started) / done * max(total - done, 0)
        yield Progress(min(done, total), total, f"Fetching {NETS[net].file}", left)
    if time.monotonic() > until or done > 2 * total:
        raise UserError(
            f"The weights did not come in time ({size_text(done)} so far). Nothing was kept; try again later."
        )
    return digest.hexdigest()
