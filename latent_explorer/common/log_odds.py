# SPDX-License-Identifier: MIT
"""Log-odds of a class, the measure by which changes of a probability near 0 or 1 can be compared."""

from __future__ import annotations

import numpy as np


def log_odds(logits: np.ndarray, target: int) -> np.ndarray:
    """Return the log-odds of the target class, (...,), of logits (..., K): its logit less that of all others together.

    With two classes this is the difference of their logits.
    """
    others = np.delete(logits.astype(np.float64), target, axis=-1)
    if others.shape[-1] == 0:
        return np.zeros(logits.shape[:-1])
    highest = others.max(axis=-1, keepdims=True)
    together = highest[..., 0] + np.log(np.exp(others - highest).sum(axis=-1))
    odds: np.ndarray = logits[..., target].astype(np.float64) - together
    return odds
