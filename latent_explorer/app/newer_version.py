# SPDX-License-Identifier: MIT
"""Question whether there is a newer version, put to the place of the releases, and only when a person asks.

The place answers with one JSON object, `{"version": "0.2.0"}`. Nothing else of it is used, and nothing is downloaded.
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from latent_explorer import __version__
from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.common.network import deadline_opener

RELEASES = "https://latentexplorer.org/releases/"  # for people
NEWEST = f"{RELEASES}newest.json"  # for this question
AGENT = f"Latent Explorer {__version__}"  # how the request introduces itself
READ_TIMEOUT = 10.0  # seconds without a byte
DEADLINE = 20.0  # seconds for the whole answer
_MOST_BYTES = 10_000  # of the answer
_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})((?:[-.]?(?:a|b|rc|dev)\d{0,9})?)", re.ASCII)


class _Answer(msgspec.Struct, frozen=True):
    version: str


@dataclass(frozen=True)
class Newest:
    """The newest release, beside the version that asks."""

    version: str
    own: str = __version__

    @property
    def is_newer(self) -> bool:
        return _key(self.version) > _key(self.own)


def what_is_sent() -> str:
    """Return what a question would send and where, to be read before it is asked."""
    return (
        f"This asks {NEWEST} once. The computer there sees this one's address on the internet and the words "
        f"“{AGENT}”; nothing about your pictures or your work is sent. Nothing is downloaded or installed."
    )


def newest(url: str = NEWEST, *, deadline: float = DEADLINE) -> Newest:
    """Return the newest release. Raises UserError, in one sentence, for whatever keeps the answer from coming."""
    request = urllib.request.Request(url, headers={"User-Agent": AGENT, "Accept": "application/json"})
    host = urlsplit(url).hostname or url
    try:
        with deadline_opener(deadline, _SameHost()) as opener, opener.open(request, timeout=READ_TIMEOUT) as answer:
            data = answer.read(_MOST_BYTES + 1)
        found = guarded_json.decode(data, _Answer, max_bytes=_MOST_BYTES).version
        _key(found)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", None) or error
        reason = getattr(reason, "strerror", None) or reason
        raise UserError(
            f"{host} could not be asked ({reason}); look at {RELEASES} yourself, or try again later."
        ) from error
    except (DamagedData, ValueError) as error:
        raise UserError(f"{host} did not answer with a version ({error}); look at {RELEASES} yourself.") from error
    return Newest(found)


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows no redirection to another computer: people were told which one is asked."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if (before.scheme, before.hostname) != (after.scheme, after.hostname):
            fp.close()
            raise OSError(f"it sends the question on to {after.hostname}, which was not asked for")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _key(version: str) -> tuple[tuple[int, ...], bool]:
    """Return what orders versions: their numbers, without zeros at the end, and a pre-release before its release.

    Raises ValueError for what is no version.
    """
    found = _VERSION.fullmatch(version.strip())
    if found is None:
        raise ValueError(f"{version[:40]!r} is none")
    numbers = [int(number) for number in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), not found[2]
