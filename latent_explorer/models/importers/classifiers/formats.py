# SPDX-License-Identifier: MIT
"""Files of classifiers that are recognised but not read: what they are, and how their program exports what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.guarded_files import open_regular
from latent_explorer.common.guarded_zip import GuardedZip
from latent_explorer.models.importers.checkpoint_file import MAX_MEMBERS

if TYPE_CHECKING:
    from pathlib import Path

_STATE_DICT = "torch.save(model.state_dict(), 'model.pth')"
_KERAS = f"It needs TensorFlow, which does not run here. Train or convert it in PyTorch, then save {_STATE_DICT}."
_HEADS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89HDF\r\n\x1a\n", f"a Keras model in HDF5. {_KERAS}"),
    (4, b"TFL3", f"a TensorFlow Lite model. {_KERAS}"),
    (0, b"GGUF", "a GGUF language model, no picture classifier."),
)
_MEMBERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("keras_model.h5", "labels.txt"), f"a Teachable Machine export. {_KERAS}"),
    (("model.tflite",), f"a TensorFlow Lite export. {_KERAS}"),
    (("metadata.json", "config.json", "model.weights.h5"), f"a Keras model. {_KERAS}"),
    (("saved_model.pb",), f"a TensorFlow SavedModel. {_KERAS}"),
    (("model.json", "weights.bin"), f"a Teachable Machine or TensorFlow.js export. {_KERAS}"),
    (
        ("serialized_exported_program.json",),
        f"a program that torch.export wrote. Save the weights of the model it was made from: {_STATE_DICT}.",
    ),
    (
        ("archive_format", "model.json"),
        f"a program that torch.export wrote. Save the weights of the model it was made from: {_STATE_DICT}.",
    ),
    (
        ("constants.pkl",),
        "a TorchScript program. Save its weights: torch.save(torch.jit.load('model.pt').state_dict(), 'model.pth').",
    ),
)


def refuse_program(path: Path) -> None:
    """Raise UserError, with the way out, for a file of a kind that is known but not read."""
    try:
        with open_regular(path) as file:
            head = file.read(64)
        members = set()
        if head.startswith(b"PK"):
            with GuardedZip(path, MAX_MEMBERS) as archive:
                members = {name.rpartition("/")[2] for name in archive.names}
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}. Check the path.") from error
    except (DamagedData, OSError) as error:
        raise unreadable(path, "checkpoint", error) from error
    if not head:
        raise unreadable(path, "checkpoint", "", empty=True)
    for start, magic, what in _HEADS:
        if head[start:].startswith(magic):
            raise UserError(f"{path} is {what}")
    for wanted, what in _MEMBERS:
        if members.issuperset(wanted):
            raise UserError(f"{path} is {what}")
