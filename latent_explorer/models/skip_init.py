# SPDX-License-Identifier: MIT
"""Networks with shapes but without memory, so that a file's claims cost nothing until they are checked.

torch's own way, `with torch.device("meta")`, is slow the first time: computing the random initial weights on that
device imports 900 modules in 2 seconds. Here nothing is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable

_FACTORIES = (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.full)
_SCALINGS = frozenset({"__truediv__", "__mul__", "__rmul__", "__neg__", "div", "mul", "neg"})


class SkipInit(TorchFunctionMode):
    """Context in which new tensors are on the meta device and operations that fill or scale them are skipped.

    Tensors made from data (`torch.tensor`) are ordinary ones. Load the tensors of a network that was built here with
    `load_state_dict(..., assign=True)`.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _FACTORIES:
            size = args[:1] if func is torch.full else args or (kwargs["size"],)
            return torch.empty(*size, dtype=kwargs.get("dtype"), device="meta")
        name = getattr(func, "__name__", "")
        in_place = name.endswith("_") and not name.endswith("__")  # normal_, fill_, ...
        filled = in_place or name in _SCALINGS
        if filled and args and isinstance(args[0], Tensor) and args[0].is_meta:
            return args[0]
        return func(*args, **kwargs)
