# SPDX-License-Identifier: MIT
"""How long each block of a synthesis takes on this machine, and up to which of them a draft may go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from latent_explorer.common.jobs import GivenUp

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from latent_explorer.models.synthesis import NoiseMaps, Styles, SynthesisNetwork

QUICK = 0.050  # seconds; a whole picture within them needs no draft
FRAME = 0.033  # seconds that a draft may take; the resolution in use is kept up to QUICK, so that it does not flicker
SLOW = 0.25  # seconds from which a whole picture may be given up: quicker ones end sooner than it matters
SMALLEST = 16  # px; on fewer nothing can be made out
WORTHWHILE = 0.5  # share of the time of the whole picture above which a draft saves too little


class BlockTimes:
    """Seconds from the start of a synthesis to the end of each block: running means over whole pictures and drafts."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}  # by the resolution of the block
        self._in_use = 0  # resolution that drafts go to unless they must show more

    def synthesize(
        self,
        synthesis: SynthesisNetwork,
        styles: Styles,
        noise: NoiseMaps,
        up_to: int | None = None,
        give_up: Callable[[], bool] | None = None,
    ) -> Tensor:
        """Render styles, or the draft `up_to` a resolution, and note how long every block took.

        Raises GivenUp after a block if `give_up` says so and whole pictures take long, or this one does already.
        """
        start = time.perf_counter()
        last = up_to or synthesis.resolutions[-1]
        for resolution, img in zip(synthesis.resolutions, synthesis.progressive(styles, noise), strict=True):
            if img.device.type != "cpu":
                img[0, 0, 0, 0].item()  # until then the device may still be computing
            seconds = time.perf_counter() - start
            self._note(resolution, seconds)
            if resolution == last:
                return img
            if give_up is not None and (seconds >= SLOW or self.slow(synthesis)) and give_up():
                raise GivenUp
        raise ValueError(f"there is no block of {up_to} px")

    def quick(self, synthesis: SynthesisNetwork) -> bool:
        """Return True if a whole picture takes no longer than a frame may, or none has been rendered yet."""
        return self._whole(synthesis) <= QUICK

    def slow(self, synthesis: SynthesisNetwork) -> bool:
        """Return True if a whole picture takes so long that it may be given up."""
        return self._whole(synthesis) >= SLOW

    def draft_resolution(self, synthesis: SynthesisNetwork, at_least: int) -> int | None:
        """Return up to which resolution a draft goes, `at_least` to that; None where it would save too little.

        A whole picture must have been rendered.
        """
        fitting = (
            resolution
            for resolution, seconds in self._seconds.items()
            if seconds <= (QUICK if resolution <= self._in_use else FRAME)
        )
        self._in_use = max([SMALLEST, *fitting])
        resolution = max(at_least, self._in_use)
        if resolution >= synthesis.resolutions[-1] or self._seconds[resolution] > WORTHWHILE * self._whole(synthesis):
            return None
        return resolution

    def _whole(self, synthesis: SynthesisNetwork) -> float:
        """Return the seconds of a whole picture; 0 if none has been rendered."""
        return self._seconds.get(synthesis.resolutions[-1], 0.0)

    def _note(self, resolution: int, seconds: float) -> None:
        known = self._seconds.get(resolution)
        self._seconds[resolution] = seconds if known is None else 0.5 * known + 0.5 * seconds
