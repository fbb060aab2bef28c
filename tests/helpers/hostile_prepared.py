# SPDX-License-Identifier: MIT
"""Import this to have imported all that reading files of other programs takes, as in a window that runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hostile_models
import torch

torch.set_num_threads(1)
with tempfile.TemporaryDirectory() as folder:
    for warm in (hostile_models.with_values(float("nan")), hostile_models.ATTACKS["ONNX"]["60 doublings by Tile"]):
        hostile_models.answer(warm(Path(folder)))
