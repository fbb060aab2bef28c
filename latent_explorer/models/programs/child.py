# SPDX-License-Identifier: MIT
"""The process that runs one foreign program: it is confined, then loads the program, and answers until its input ends.

The only place where torch.jit.load and torch.export.load are called. `bootstrap` comes here before anything else.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import tempfile
import warnings
from collections import OrderedDict
from typing import IO, TYPE_CHECKING, Any

import torch
import torch.export
from torch import Tensor
from torch.export.passes import move_to_device_pass

from latent_explorer.models.programs.confinement import confine
from latent_explorer.models.programs.messages import (
    MAX_TEXT,
    REMEMBERED,
    Reply,
    Request,
    byte_count,
    read_exactly,
    receive,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 5  # seconds after which it ends itself if nobody did: its parent may be gone


def serve(memory: int) -> int:
    """Answer requests on standard input until it ends. `memory` is what the program may take, in bytes."""
    source, target = _own_streams()
    warnings.simplefilter("ignore")
    server = _Server(memory)
    while True:
        try:
            request = receive(source, Request)
            assert isinstance(request, Request)
            data = read_exactly(source, request.size if request.do == "load" else byte_count(request.shape))
        except EOFError:
            return 0
        _end_after(request.seconds + GRACE)
        try:
            reply, answer = server.answer(request, data)
        except Exception as error:  # anything: the code is foreign
            reply, answer = _failure(error), None
        send(target, reply, *([] if answer is None else [answer.numpy().data]))
        _end_after(0)


def _own_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Return standard input and output, and put nothing in their place: a program may print."""
    source, target = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        nothing = os.open(os.devnull, mode)
        os.dup2(nothing, number)
        if nothing != number:
            os.close(nothing)
    return source, target


def _end_after(seconds: int) -> None:
    """End this process after so many seconds, whatever it does then; 0: not any more."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _failure(error: Exception) -> Reply:
    text = " ".join(str(error).split()) or type(error).__name__
    memory = isinstance(error, MemoryError) or "can't allocate memory" in text or "bad_alloc" in text
    return Reply(error=text[:MAX_TEXT], out_of_memory=memory)


class _Server:
    """The loaded program, and the last forwards that a backward may follow."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._program: Callable[[Tensor], Any] | None = None
        self._dtype = torch.float32
        self._graphs: OrderedDict[int, tuple[Tensor, Tensor]] = OrderedDict()

    def answer(self, request: Request, data: bytearray) -> tuple[Reply, Tensor | None]:
        """Return the reply and the numbers after it."""
        if request.do == "load":
            return Reply(confined=self._load(request.kind, data)), None
        given = torch.frombuffer(data, dtype=torch.float32).reshape(request.shape)
        if request.do == "forward":
            return self._answer_of(self._forward(given, request.ticket))
        if request.ticket not in self._graphs:
            return Reply(forgotten=True), None
        x, y = self._graphs.pop(request.ticket)
        (gradient,) = torch.autograd.grad(y, x, given)
        return self._answer_of(gradient)

    def _load(self, kind: str, data: bytearray) -> tuple[str, ...]:
        """Load the program, after this process was confined. Return what it is kept from."""
        if kind == "torch.export":
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.gettempdir()  # it would make one there, and keeps nothing
            importlib.import_module("torch.export.pt2_archive._package")  # makes folders, so before the confinement
        kept_from = confine(self._memory)
        if kind == "torch.export":
            exported = torch.export.load(io.BytesIO(data))  # noqa: TID251  # the place for it
            module = move_to_device_pass(exported, "cpu").module()
        else:
            module = torch.jit.load(io.BytesIO(data), map_location="cpu")  # noqa: TID251
            if getattr(module, "training", False):
                module.eval()
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        floats = (p.dtype for p in (*module.parameters(), *module.buffers()) if p.is_floating_point())
        self._dtype = next(floats, torch.float32)
        self._program = module
        return kept_from

    def _forward(self, pictures: Tensor, ticket: int) -> Tensor:
        assert self._program is not None
        with torch.set_grad_enabled(ticket > 0):
            x = pictures.requires_grad_(ticket > 0)
            y = _logits(self._program(x.to(self._dtype)), len(pictures)).float()
        if ticket and y.requires_grad:
            self._graphs[ticket] = x, y
            while len(self._graphs) > REMEMBERED:
                self._graphs.popitem(last=False)
        return y

    def _answer_of(self, y: Tensor) -> tuple[Reply, Tensor]:
        y = y.detach().to(torch.float32).contiguous()
        return Reply(shape=tuple(y.shape)), y


def _logits(output: Any, count: int) -> Any:
    """Return the (N, K) among what a network puts out: a tensor, the first of several, or that called logits."""
    if isinstance(output, dict):
        output = output.get("logits", next(iter(output.values()), None))
    while isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not hasattr(output, "is_floating_point"):
        raise TypeError(f"it puts out {type(output).__name__}, no tensor")
    if output.ndim == 1 and len(output) == count:
        return output.reshape(count, 1)
    return output.flatten(1) if output.ndim > 2 and output[0].numel() == output.shape[1] else output
