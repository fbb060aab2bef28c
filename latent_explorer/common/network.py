# SPDX-License-Identifier: MIT
"""Requests over the network that end in time. Nothing here or elsewhere makes one without being asked."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def deadline_opener(deadline: float, *handlers: urllib.request.BaseHandler) -> Iterator[urllib.request.OpenerDirector]:
    """Yield an opener whose connections are cut after `deadline` seconds, whatever they wait for.

    `handlers` are added to those of urllib, in the place of its own of the same kind.

    A timeout of the socket is not enough: a server may send its head byte by byte, each in time.
    """
    connections: list[http.client.HTTPConnection] = []

    def remembered(kind: type[http.client.HTTPConnection]) -> Callable[..., http.client.HTTPConnection]:
        def connect(*args: Any, **settings: Any) -> http.client.HTTPConnection:
            connections.append(kind(*args, **settings))
            return connections[-1]

        return connect

    class Http(urllib.request.HTTPHandler):
        def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(remembered(http.client.HTTPConnection), request)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(remembered(http.client.HTTPSConnection), request)

    def cut() -> None:
        for connection in connections:
            waiting = connection.sock  # None before it is connected, and once its head has come
            if waiting is not None:
                with contextlib.suppress(OSError):
                    waiting.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(deadline, 0.0), cut)
    timer.daemon = True
    timer.start()
    try:
        yield urllib.request.build_opener(Http, Https, *handlers)
    finally:
        timer.cancel()
        timer.join()
