# SPDX-License-Identifier: MIT
"""A foreign program as a network: its answers and gradients come from its own process, its bytes are a buffer here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from latent_explorer.models.programs.process import process_of

if TYPE_CHECKING:
    from latent_explorer.models.programs.process import ProgramProcess
    from latent_explorer.models.programs.program import Program

TOGETHER = 16  # pictures in one call, so that it ends in time
SMALLEST_PROBABILITY = 1e-7
_SMALLEST_MAP = 8  # px


class _Call(torch.autograd.Function):
    """Call of a program on pictures (n, C, H, W), n being what it takes at a time."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, process: ProgramProcess, outputs: int, tracked: bool) -> Tensor:
        pictures = x.detach().to("cpu", torch.float32).contiguous().numpy()
        values, ctx.ticket = process.forward(pictures, outputs, tracked=tracked)
        ctx.process, ctx.pictures = process, pictures if tracked else None
        return torch.from_numpy(values).to(x.device)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None, None]:
        given = cotangent.detach().to("cpu", torch.float32).contiguous().numpy()
        gradient = ctx.process.backward(ctx.ticket, given, ctx.pictures)
        return torch.from_numpy(gradient).to(cotangent.device), None, None, None


class ProgramNetwork(nn.Module):
    """Network from pictures (N, C, H, W) to logits (N, K). Nothing runs before it is called, and then with consent."""

    code: Tensor

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self.register_buffer("code", torch.empty(program.size, dtype=torch.uint8))

    def content(self) -> memoryview:
        """Return the program's bytes."""
        return self.code.cpu().numpy().data

    def forward(self, x: Tensor) -> Tensor:
        program = self.program
        process = process_of(program, self.content)
        y = torch.cat([self._call(process, part) for part in x.split(program.batch or TOGETHER)])
        if program.probabilities:
            y = y.clamp_min(SMALLEST_PROBABILITY).log()
        return y if program.output < 0 else y[:, program.output : program.output + 1]

    def _call(self, process: ProgramProcess, x: Tensor) -> Tensor:
        count, tracked = len(x), torch.is_grad_enabled() and x.requires_grad
        if count < self.program.batch:  # it takes no fewer
            x = torch.cat([x, x[-1:].expand(self.program.batch - count, -1, -1, -1)])
        return _Call.apply(x, process, self.program.outputs, tracked)[:count]

    def features(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K): a program shows nothing of itself but its answers."""
        return self(x)

    def feature_maps(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) -> the picture itself (N, C + 1, h, w) at halved sizes, in place of features.

        The last channel is 1, so that lengths count after the channels are normalised.
        """
        maps = [torch.cat([x, torch.ones_like(x[:, :1])], dim=1)]
        while maps[-1].shape[-1] >= 2 * _SMALLEST_MAP:
            maps.append(F.avg_pool2d(maps[-1], 2))
        return maps
