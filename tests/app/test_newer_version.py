# SPDX-License-Identifier: MIT
"""The question for a newer version: what is sent, what is understood, and one sentence for each failure."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator

import pytest

from latent_explorer import __version__
from latent_explorer.app import newer_version
from latent_explorer.app.newer_version import Newest, newest
from latent_explorer.common.errors import UserError


@contextlib.contextmanager
def server(answer: bytes, *, status: int = 200, headers: dict[str, str] | None = None, wait: float = 0) -> Iterator:
    """Yield the address of a server of releases and the list of the requests that it got."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append((self.path, dict(self.headers)))
            time.sleep(wait)
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_args) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/newest.json", requests
        finally:
            listening.shutdown()
            thread.join(60)


def test_one_request_says_the_program_and_nothing_else():
    with server(b'{"version": "99.1"}') as (url, requests):
        found = newest(url)
    assert (found.version, found.is_newer) == ("99.1", True)
    ((path, headers),) = requests
    assert path == "/newest.json"
    assert headers["User-Agent"] == f"Latent Explorer {__version__}"
    assert set(headers) <= {"User-Agent", "Accept", "Accept-Encoding", "Host", "Connection"}
    assert newer_version.NEWEST in newer_version.what_is_sent()
    assert headers["User-Agent"] in newer_version.what_is_sent()


@pytest.mark.parametrize(
    ("there", "own", "newer"),
    [
        ("0.2.0", "0.1.0", True),
        ("v0.1.1", "0.1.0", True),
        ("0.10.0", "0.9.0", True),
        ("1.0", "1.0.0", False),
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.1.0.dev1", True),
        ("0.1.0rc1", "0.1.0", False),
        ("0.0.9", "0.1.0", False),
    ],
)
def test_versions_are_compared_by_their_numbers(there, own, newer):
    assert Newest(there, own).is_newer is newer


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"version": 3}',
        b'{"version": "<b>"}',
        b'{"version": "1.' + b"9" * 50 + b'"}',
        b" " * 20_000,
    ],
)
def test_an_answer_that_is_no_version_is_one_sentence(answer):
    with server(answer) as (url, _requests), pytest.raises(UserError, match="did not answer with a version") as error:
        newest(url)
    assert "\n" not in str(error.value)
    assert newer_version.RELEASES in str(error.value)


def test_a_missing_page_and_a_server_that_is_not_there():
    with server(b"", status=404) as (url, _requests), pytest.raises(UserError, match="could not be asked"):
        newest(url)
    with pytest.raises(UserError, match="could not be asked"):
        newest(url)


def test_nobody_else_is_contacted():
    with server(b'{"version": "9.0"}') as (other, others):
        moved = {"Location": other.replace("127.0.0.1", "localhost")}
        with server(b"", status=302, headers=moved) as (url, _), pytest.raises(UserError, match="localhost"):
            newest(url)
    assert not others


def test_a_slow_server_is_left_in_time():
    with server(b'{"version": "9.0"}', wait=5) as (url, _requests), pytest.raises(UserError):
        newest(url, deadline=0.2)
