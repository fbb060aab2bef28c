# SPDX-License-Identifier: MIT
"""Settings of the whole suite. Its presence makes the helpers in this folder importable (`from tiny import ...`)."""

from __future__ import annotations

import os

# Before torch is imported: spinning OpenMP threads cost tenfold when the machine has other work (see bootstrap.py).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
