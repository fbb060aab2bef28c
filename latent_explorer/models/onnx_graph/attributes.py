# SPDX-License-Identifier: MIT
"""Attributes of a node with their types checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latent_explorer.models.onnx_graph.graph import GraphError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from latent_explorer.models.onnx_graph.graph import Attribute


class Attributes:
    """Attributes of one node. Every getter raises GraphError for a value of another type."""

    def __init__(self, values: Mapping[str, Attribute], opset: int, outputs: int = 1) -> None:
        self._values = values
        self.opset = opset
        self.outputs = outputs

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def whole(self, name: str, default: int | None = None) -> int:
        """Return an integer. Without a default it must be there."""
        value = self._values.get(name, default)
        if not isinstance(value, int):
            raise GraphError(f"{name} is not a whole number")
        return value

    def real(self, name: str, default: float) -> float:
        value = self._values.get(name, default)
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise GraphError(f"{name} is not a number")
        return float(value)

    def text(self, name: str, default: str) -> str:
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise GraphError(f"{name} is not a word")
        return value

    def whole_list(self, name: str) -> list[int] | None:
        """Return a list of integers, None if it is not there."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, tuple) or not all(isinstance(each, int) for each in value):
            raise GraphError(f"{name} is not a list of whole numbers")
        return list(value)  # type: ignore[arg-type]

    def positive(self, name: str, count: int, default: int = 1) -> list[int]:
        """Return `count` integers above 0."""
        value = self.whole_list(name) or [default] * count
        if len(value) != count or min(value) < 1:
            raise GraphError(f"{name} is {value}")
        return value

    def value(self, name: str, default: float) -> int | float:
        value = self._values.get(name, default)
        if not isinstance(value, (int, float)):
            raise GraphError(f"{name} is not a number")
        return value
