# SPDX-License-Identifier: MIT
"""Classifiers that are programs: their bytes, and what a trial run in their own process says of them.

Nothing runs here before a person agreed; see `models.programs.program`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.format import size_text
from latent_explorer.common.guarded_files import open_regular, read_bytes
from latent_explorer.models.importers.classifiers.metadata import imagenet_preprocessing
from latent_explorer.models.importers.exported_program import InputShape, input_shape
from latent_explorer.models.programs.confinement import FILES, MEMORY, NETWORK
from latent_explorer.models.programs.process import process_of
from latent_explorer.models.programs.program import MAX_BATCH, MAX_BYTES, RUN_OPTION, Program, is_allowed

if TYPE_CHECKING:
    from latent_explorer.models.preprocessing import Preprocessing
    from latent_explorer.models.programs.process import ProgramProcess
    from latent_explorer.models.programs.program import ProgramKind

SIZES = (224, 256, 299, 384, 192, 160, 128, 96, 64, 32)  # px that are tried, if the file does not say
_OTHER = 32  # px larger: a second size
_KEPT_FROM = {FILES: "your files", NETWORK: "the network", MEMORY: "more than half of the memory"}


class ProgramNotRun(UserError):
    """Refusal of a file that would have to be run, which nobody agreed to."""

    def __init__(self, path: Path, kind: ProgramKind, why: str = "") -> None:
        self.kind = kind
        super().__init__(
            f"{path} is a {kind} program, which is code. {why or 'It was not run.'} Give {RUN_OPTION}, or click Run it "
            "in the window, if you trust where it comes from: it then runs in a separate process."
        )


@dataclass(frozen=True)
class ProgramModel:
    """A program after its trial run."""

    path: Path
    program: Program
    content: bytes
    channels: int
    size: int  # px
    any_size: bool
    notes: tuple[str, ...] = ()

    def preprocessing(self) -> tuple[Preprocessing, str]:
        """Return how pictures should be given, and where that is known from."""
        found = imagenet_preprocessing(self.size)
        text = "the usual one of ImageNet: a program has none, so check it on pictures"
        return (msgspec.structs.replace(found, channels="grey") if self.channels == 1 else found), text

    def state(self) -> dict[str, torch.Tensor]:
        """Return the tensor of the network."""
        return {"code": torch.frombuffer(bytearray(self.content), dtype=torch.uint8)}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (DamagedData, OSError) as error:
        raise unreadable(path, "program", error) from error


def may_run(path: Path) -> bool:
    """Return True if a person agreed to run this program."""
    return is_allowed("") or is_allowed(sha256_of(path))


def try_program(path: Path, kind: ProgramKind, size: int = 0) -> ProgramModel:
    """Run a program on made-up pictures of `size` px, 0: of those that it takes, and return what it is.

    Raises UserError if it cannot be run, or does not answer pictures with numbers.
    """
    try:
        content = read_bytes(path, MAX_BYTES)
        given = input_shape(path) if kind == "torch.export" else None
    except (DamagedData, OSError) as error:
        raise unreadable(path, "program", error) from error
    program = Program(kind, hashlib.sha256(content).hexdigest(), len(content), outputs=1)
    process = process_of(program, lambda: content)
    model = _first_answer(ProgramModel(path, program, content, 3, size, any_size=False), process, given)
    model = _batches(model, process)
    try:
        _gradient(model, process)
    except UserError:
        model = replace(model, program=msgspec.structs.replace(model.program, gradients=False))
    return replace(model, notes=tuple(_notes(model, process.confined)))


def with_output(model: ProgramModel, output: int) -> ProgramModel:
    """Return the model with one of its outputs."""
    return replace(model, program=msgspec.structs.replace(model.program, output=output))


def _first_answer(model: ProgramModel, process: ProgramProcess, given: InputShape | None) -> ProgramModel:
    """Find size and channels by trying, as far as they are not known."""
    batch = 1
    channels: tuple[int, ...] = (3, 1)
    sizes = (model.size,) if model.size else SIZES
    if given is not None:
        batch = max(1, min(given.batch, MAX_BATCH))
        channels = (given.channels,) if given.channels in (1, 3) else channels
        if given.height > 0:
            sizes = (given.height,)
    problem: UserError | None = None
    for size in sizes:
        for count in channels:
            try:
                answer, _ = process.forward(_pictures(batch, count, size))
            except UserError as error:
                problem = problem or error
                if process.lost:
                    raise
                continue
            program = msgspec.structs.replace(model.program, outputs=answer.shape[1])
            if given is not None and given.batch > 0:
                program = msgspec.structs.replace(program, batch=batch)
            any_size = (given is None or given.height < 0) and _takes(process, batch, count, size + _OTHER)
            return replace(model, program=program, channels=count, size=size, any_size=any_size)
    assert problem is not None
    raise problem


def _takes(process: ProgramProcess, batch: int, channels: int, size: int) -> bool:
    try:
        process.forward(_pictures(batch, channels, size))
    except UserError:
        return False
    return True


def _batches(model: ProgramModel, process: ProgramProcess) -> ProgramModel:
    """Find out whether several pictures may be asked at once, and whether the answers are probabilities."""
    program = model.program
    step = program.batch or 1
    pictures = _pictures(3 * step, model.channels, model.size)
    parts = [process.forward(pictures[i : i + step], program.outputs)[0] for i in range(0, len(pictures), step)]
    answers = np.concatenate(parts)
    if not program.batch:
        try:
            together, _ = process.forward(pictures, program.outputs)
        except UserError:
            together = np.full_like(answers, np.inf)
        if not np.allclose(answers, together, rtol=1e-3, atol=1e-3 * float(np.abs(answers).max())):
            program = msgspec.structs.replace(program, batch=1)
    if program.outputs > 1 and (answers >= 0).all() and np.allclose(answers.sum(axis=1), 1, atol=1e-3):
        program = msgspec.structs.replace(program, probabilities=True)
    return replace(model, program=program)


def _gradient(model: ProgramModel, process: ProgramProcess) -> None:
    """Raise UserError unless the program gives gradients."""
    pictures = _pictures(model.program.batch or 1, model.channels, model.size)
    answer, ticket = process.forward(pictures, model.program.outputs, tracked=True)
    process.backward(ticket, np.ones_like(answer), pictures)


def _pictures(batch: int, channels: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((batch, channels, size, size), dtype=np.float32)


def _notes(model: ProgramModel, confined: tuple[str, ...]) -> list[str]:
    program = model.program
    *more, last = [_KEPT_FROM[each] for each in confined] or [""]
    kept = f"kept from {', '.join(more)}{' and ' if more else ''}{last}"
    free = "which this system does not confine: it may do what you may do"
    notes = [
        f"A {program.kind} program of {size_text(program.size)}. It runs in a process of its own, "
        f"{kept if last else free}."
    ]
    if program.batch:
        notes.append(f"It takes {program.batch} picture{'s' if program.batch > 1 else ''} at a time.")
    if program.probabilities:
        notes.append("Its probabilities are taken as their logarithms.")
    if not program.gradients:
        notes.append(
            "It gives no gradients: verdicts and exhaustive searches work, trainings and projections by it do not."
        )
    return notes
