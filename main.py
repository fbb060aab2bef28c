# SPDX-License-Identifier: MIT
"""`python main.py`: the same as the command `latent-explorer`."""

from __future__ import annotations

from latent_explorer.bootstrap import main

if __name__ == "__main__":
    main()
