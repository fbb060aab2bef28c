# SPDX-License-Identifier: MIT
"""The process of a foreign program, seen from here: started when it is needed, asked, ended when it takes too long.

One process serves one program for as long as this program runs. A process that ends by itself is started once more.
Nothing that it says is believed: sizes, shapes and numbers are checked, and no pickle is read.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import OrderedDict
from itertools import count
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.common.format import size_text
from latent_explorer.common.paths import self_command, self_surroundings
from latent_explorer.data.threads import installed_memory
from latent_explorer.models.programs.messages import MAX_TEXT, Reply, Request, byte_count, read_exactly, receive, send
from latent_explorer.models.programs.program import MAX_OUTPUTS, Program, require_allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.models.programs.messages import Bytes

log = logging.getLogger(__name__)

COMMAND = "--serve-program"  # with the bytes of memory after it; see `bootstrap`
MAX_PROCESSES = 2
MEMORY = (2 << 30, 16 << 30)  # bytes: least and most that a program may take; between them half of the machine's
START_SECONDS = 180  # torch is imported and the program is loaded
CALL_SECONDS, PICTURE_SECONDS = 30, 10
_KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "TEMP", "TMP", "PYTHONPATH", "PYTHONSAFEPATH", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OMP_NUM_THREADS",
)  # fmt: skip

_tickets = count(1)
_lock = threading.Lock()
_processes: OrderedDict[str, ProgramProcess]


class Limits(NamedTuple):
    """What a program may take: memory in bytes, and seconds for a call, for each picture of it, and for the start."""

    memory: int
    call: float = CALL_SECONDS
    picture: float = PICTURE_SECONDS
    start: float = START_SECONDS


def usual_limits() -> Limits:
    """Return the limits on this machine."""
    least, most = MEMORY
    return Limits(max(least, min(most, (installed_memory() or 2 * most) // 2)))


class _Ended(Exception):
    """The process ended by itself."""


class ProgramProcess:
    """Process of one program. Its methods raise UserError, in one sentence, for whatever the program does."""

    def __init__(self, program: Program, content: Bytes, limits: Limits) -> None:
        self.program = program
        self.confined: tuple[str, ...] = ()  # what the system keeps it from, once it was started
        self._content, self._limits = content, limits
        self._process: subprocess.Popen[bytes] | None = None
        self._busy = threading.Lock()

    def forward(self, pictures: np.ndarray, outputs: int = 0, *, tracked: bool = False) -> tuple[np.ndarray, int]:
        """(N, C, H, W) float32 -> (N, K), and the ticket for its backward, 0 unless `tracked`.

        `outputs` is the K that is expected; 0: any.
        """
        ticket = next(_tickets) if tracked else 0

        def check(shape: tuple[int, ...]) -> bool:
            return len(shape) == 2 and shape[0] == len(pictures) and shape[1] == (outputs or shape[1])

        found = self._ask("forward", pictures, ticket, len(pictures), check)
        assert found is not None
        return found, ticket

    def backward(self, ticket: int, cotangent: np.ndarray, pictures: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to the pictures of a forward, which is repeated if it was forgotten."""

        def ask(number: int) -> np.ndarray | None:
            return self._ask("backward", cotangent, number, 2 * len(pictures), lambda shape: shape == pictures.shape)

        gradient = ask(ticket)
        if gradient is None:
            _, ticket = self.forward(pictures, cotangent.shape[1], tracked=True)
            gradient = ask(ticket)
        if gradient is None:
            raise UserError(
                f"The {self.program.kind} program of this classifier gives no gradients. Verdicts need none; for "
                "trainings, projections and searches export the classifier to ONNX, or import its weights."
            )
        return gradient

    @property
    def lost(self) -> bool:
        """True if no process runs: none was started, or the last one ended or was ended."""
        return self._process is None or self._process.poll() is not None

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        _kill(process)
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what was not written yet
                stream.close()  # type: ignore[union-attr]  # both are pipes

    def _ask(
        self, do: str, data: np.ndarray, ticket: int, pictures: int, fits: Callable[[tuple[int, ...]], bool]
    ) -> np.ndarray | None:
        """Return the answer to a request, None if it has forgotten the ticket; tried twice if the process ends."""
        require_allowed(self.program)
        seconds = self._limits.call + self._limits.picture * pictures
        request = Request(do, int(seconds), shape=data.shape, ticket=ticket)
        with self._busy:
            for last in (False, True):
                try:
                    return self._answered(request, data, seconds, fits)
                except _Ended as ended:
                    if last:
                        raise self._failed(f"ended unexpectedly, twice ({ended})") from ended
        raise AssertionError

    def _answered(
        self, request: Request, data: np.ndarray, seconds: float, fits: Callable[[tuple[int, ...]], bool]
    ) -> np.ndarray | None:
        self._start()
        reply, values = self._exchange(request, np.ascontiguousarray(data, np.float32).data, seconds, fits)
        if reply.forgotten:
            return None
        if not np.isfinite(values).all():
            raise self._failed("answered with numbers that are not finite")
        return values

    def _start(self) -> None:
        """Start the process and let it load the program, unless it runs."""
        if not self.lost:
            return
        self.close()
        if hashlib.sha256(self._content).hexdigest() != self.program.sha256:
            raise UserError(f"The {self.program.kind} program does not match its checksum. Import it again.")
        folder, surroundings = self_surroundings()
        options: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
        try:
            self._process = subprocess.Popen(
                self_command(COMMAND, str(self._limits.memory)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd=folder,
                env={name: surroundings[name] for name in _KEPT_VARIABLES if name in surroundings}
                | {"OMP_WAIT_POLICY": "PASSIVE"},
                **options,
            )
        except OSError as error:
            raise UserError(f"No process can be started for the program ({error}). Close other programs.") from error
        load = Request("load", int(self._limits.start), self.program.kind, self.program.size)
        reply, _ = self._exchange(load, self._content, self._limits.start, lambda _shape: False)
        self.confined = reply.confined
        log.info("A %s program runs in process %d, kept from %s.", load.kind, self._process.pid, self.confined)

    def _exchange(
        self, request: Request, data: Bytes, seconds: float, fits: Callable[[tuple[int, ...]], bool]
    ) -> tuple[Reply, np.ndarray]:
        """Send a request and return the reply. The process is ended if that takes too long, or makes no sense."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(process)

        timer, complete = threading.Timer(seconds, end), False
        timer.start()
        try:
            send(_Unbuffered(process.stdin), request, data)  # type: ignore[arg-type]
            reply = receive(process.stdout, Reply)
            assert isinstance(reply, Reply)
            shape = reply.shape
            if shape and not (fits(shape) and max(shape) <= MAX_OUTPUTS):
                raise DamagedData(f"answered with numbers of the shape {str(list(shape))[:100]}, which do not fit")
            values = np.frombuffer(read_exactly(process.stdout, byte_count(shape) if shape else 0), np.float32)
            complete = True
        except (EOFError, OSError) as error:
            if late.is_set():
                raise self._failed(f"did not answer within {seconds:.0f} s and was ended") from error
            raise _Ended(_exit_text(process)) from error
        except DamagedData as error:
            raise self._failed(str(error)) from error
        finally:
            timer.cancel()
            timer.join()
            if not complete:  # also after Ctrl-C: the rest of the answer would be taken for the next one
                self.close()
        if reply.error:
            raise self._refused(reply)
        return reply, values.reshape(shape) if shape else values

    def _refused(self, reply: Reply) -> UserError:
        if reply.out_of_memory:
            return self._failed(f"needs more memory than the {size_text(self._limits.memory)} that it may take")
        return self._failed(f"failed: {reply.error[:MAX_TEXT]}")

    def _failed(self, what: str) -> UserError:
        return UserError(
            f"The {self.program.kind} program of this classifier {what}. If it works elsewhere, export the classifier "
            "to ONNX and import that."
        )


class _Unbuffered:
    """Stream that writes all it is given; an unbuffered pipe may take a part."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, data: Bytes) -> None:
        view = memoryview(data).cast("B")
        while view:
            view = view[self._stream.write(view) :]

    def flush(self) -> None:
        pass


def process_of(program: Program, content: Callable[[], Bytes]) -> ProgramProcess:
    """Return the process of a program, the same one for all that ask; the one not used for longest ends for a new one.

    `content` gives the program's bytes; it is called for a new one only.
    """
    require_allowed(program)
    with _lock:
        key = program.sha256
        if key not in _processes:
            while len(_processes) >= MAX_PROCESSES:
                _processes.popitem(last=False)[1].close()
            _processes[key] = ProgramProcess(program, content(), usual_limits())
        _processes.move_to_end(key)
        return _processes[key]


def close_all() -> None:
    """End the processes of all programs."""
    with _lock:
        while _processes:
            _processes.popitem()[1].close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    elif process.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)


def _exit_text(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(timeout=10)
    except subprocess.TimeoutExpired:  # it closed its output, and lives
        return "closed its output"
    return f"signal {-code}" if code < 0 else f"exit {code}"


_processes = OrderedDict()
atexit.register(close_all)
