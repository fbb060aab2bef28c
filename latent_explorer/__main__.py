# SPDX-License-Identifier: MIT
"""`python -m latent_explorer`."""

from __future__ import annotations

from latent_explorer.bootstrap import main

if __name__ == "__main__":
    main()
