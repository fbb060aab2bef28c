# SPDX-License-Identifier: MIT
"""Values of a transformers config.json, which anyone may have written, checked for their types and sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Those that timm computes alike, as transformers and timm call them.
_ACTIVATIONS = {
    "gelu": "gelu", "gelu_pytorch_tanh": "gelu_tanh", "gelu_new": "gelu_tanh", "quick_gelu": "quick_gelu",
    "relu": "relu", "silu": "silu", "swish": "silu",
}  # fmt: skip
_LARGEST = 1e6  # no setting of a network comes near


class ConfigValues:
    """Values of a config.json, each of the type of its default. Every method raises UserError for another one."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def integer(self, name: str, default: int) -> int:
        """Return a whole number."""
        found = self._values.get(name, default)
        return found if type(found) is int and abs(found) < _LARGEST else self._refuse(name)

    def number(self, name: str, default: float) -> float:
        """Return a number, whole or not."""
        found = self._values.get(name, default)
        return float(found) if type(found) in (int, float) and abs(found) < _LARGEST else self._refuse(name)

    def flag(self, name: str, default: bool) -> int:
        """Return 0 or 1, as options of a network are numbers or texts."""
        found = self._values.get(name, default)
        return int(found) if type(found) is bool else self._refuse(name)

    def integers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Return a list of whole numbers."""
        found = self._values.get(name, default)
        if not isinstance(found, (list, tuple)) or not all(
            type(value) is int and abs(value) < _LARGEST for value in found
        ):
            self._refuse(name)
        return tuple(found)

    def square(self, name: str, default: int) -> int:
        """Return the side of a square that may be given as one number or as two."""
        found = self._values.get(name, default)
        if isinstance(found, list) and len(found) == 2 and found[0] == found[1]:
            found = found[0]
        return found if type(found) is int and abs(found) < _LARGEST else self._refuse(name)

    def activation(self, default: str) -> str:
        """Return timm's name of the activation."""
        found = self._values.get("hidden_act", default)
        return _ACTIVATIONS[found] if isinstance(found, str) and found in _ACTIVATIONS else self._refuse("hidden_act")

    def choice(self, name: str, *allowed: Any) -> Any:
        """Return a value that must be one of these; the first is the default."""
        found = self._values.get(name, allowed[0])
        return found if found in allowed else self._refuse(name)

    def _refuse(self, name: str) -> Any:
        raise UserError(f"no library's network has {name} = {str(self._values.get(name))[:80]}")
