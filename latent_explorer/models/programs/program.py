# SPDX-License-Identifier: MIT
"""A classifier that is a program of torch, as plain values, and the consent to run it. Neither torch nor a process.

A program is code of somebody else: it is run only if a person agreed, by its SHA-256 or for this whole process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

ProgramKind = Literal["TorchScript", "torch.export"]
PROGRAM = "program"  # the architecture of such a classifier
MAX_BYTES = 4 << 30
MAX_BATCH = 256
MAX_OUTPUTS = 100_000
RUN_OPTION = "--run-program"

_allowed: set[str] = set()
_ALL = "all"


class Program(msgspec.Struct, frozen=True):
    """Network from pictures (N, C, H, W) to (N, outputs); its bytes are a tensor of the classifier's file."""

    kind: ProgramKind
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size: int  # bytes
    outputs: int
    batch: int = 0  # pictures that it takes at a time; 0: any number
    output: int = -1  # the one output that is read; -1: all
    probabilities: bool = False  # its outputs are probabilities, which become logarithms
    gradients: bool = True


def program_problems(program: Program, outputs: int) -> Iterator[str]:
    """Yield each fault of a program's description, as words. `outputs` are those that the classifier needs."""
    if not 0 < program.size <= MAX_BYTES:
        yield f"its program has {program.size} bytes"
    if not (1 <= program.outputs <= MAX_OUTPUTS and -1 <= program.output < program.outputs):
        yield f"its program has the outputs {program.outputs}, of which {program.output} is read"
    elif (1 if program.output >= 0 else program.outputs) != outputs:
        yield f"its program has {program.outputs} outputs where its classes need {outputs}"
    if not 0 <= program.batch <= MAX_BATCH:
        yield f"its program takes {program.batch} pictures at a time"


def allow(*sha256: str) -> None:
    """Allow these programs to run until the process ends."""
    _allowed.update(sha256)


def allow_all() -> None:
    """Allow every program to run until the process ends, as `--run-program` does."""
    _allowed.add(_ALL)


def forget_allowed() -> None:
    """Allow nothing any more."""
    _allowed.clear()


def is_allowed(sha256: str) -> bool:
    """Return True if a person agreed to run this program."""
    return sha256 in _allowed or _ALL in _allowed


def require_allowed(program: Program) -> None:
    """Raise UserError unless a person agreed to run this program."""
    if not is_allowed(program.sha256):
        raise UserError(
            f"This classifier is a {program.kind} program made by somebody else, and nobody allowed it to run. Open "
            f"its file in the window and agree, or give {RUN_OPTION}, if you trust where it comes from."
        )
