# SPDX-License-Identifier: MIT
"""Training of one model by several processes, each on its share of every batch: torch.distributed under torchrun.

Sample i of a step belongs to process i mod N, in every part of the step. So "the first four of the batch" are the same
pictures for any N, and so are the discriminator's groups (every n/G-th picture of n is one, as in StyleGAN2), as long
as each process holds whole groups. Every loss is a mean over samples, and all processes hold equally many: the mean of
their gradients is the gradient of the whole batch. Gradients are averaged here, after each backward pass, and not by
DDP, whose hooks expect one backward pass a step and no second derivatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from latent_explorer.training.config import TrainConfig


def path_length_pictures(config: TrainConfig) -> int:
    """Return the number of pictures to measure path lengths on: a quarter of the batch (in StyleGAN2 half of it)."""
    return max(config.batch // 4, 2)


def check_batch_divisible(config: TrainConfig, size: int = 1) -> None:
    """Raise UserError if a part of a step exceeds the batch or does not divide among `size` processes."""
    c = config
    if c.batch < 2:
        raise UserError(f"batch is {c.batch}. A step needs at least 2 pictures.")
    stylex = c.mode == "stylex"
    parts = {"batch": c.batch, "a quarter of the batch": path_length_pictures(c)}
    groups = {"batch": c.batch}
    if stylex:
        generated = c.mapped + c.repaired
        if not 1 <= c.discriminated <= c.batch:
            raise UserError(
                f"discriminated is {c.discriminated}, but a batch has {c.batch} pictures. Choose 1 to {c.batch}."
            )
        if min(c.mapped, c.repaired) < 0 or generated > c.batch:
            raise UserError(
                f"mapped + repaired is {generated}, but a batch has {c.batch} pictures. Choose 0 to {c.batch}."
            )
        parts |= {"mapped": c.mapped, "repaired": c.repaired}
        groups = {"discriminated": c.discriminated, "discriminated + mapped + repaired": c.discriminated + generated}
    if size == 1:
        return
    uneven = [f"{name} ({n})" for name, n in parts.items() if n % size]
    uneven += [f"{name} ({n})" for name, n in groups.items() if n % (size * c.stddev_group)]
    if uneven:
        raise UserError(
            f"{size} processes cannot share this evenly: {', '.join(uneven)}. Make batch, mapped and repaired "
            f"multiples of {size}, and what the discriminator sees multiples of {size * c.stddev_group} ({size} times "
            "stddev_group)."
        )
