# SPDX-License-Identifier: MIT
"""`python -m latent_explorer`."""

from __future__ import annotations

import os
import sys


def _forget_current_folder() -> None:
    """Import nothing from the current folder, which `-m` puts first: a `torch.py` in a folder of pictures would run."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not sys.flags.safe_path and sys.path[0] == os.getcwd() != root:
        del sys.path[0]


if __name__ == "__main__":
    _forget_current_folder()
    from latent_explorer.bootstrap import main

    main()
