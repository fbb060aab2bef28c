# SPDX-License-Identifier: MIT
"""`python main.py`: the same as the command `latent-explorer`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.flags.safe_path:  # `python -P main.py`: the source tree, unlike the current folder, may be imported from
        sys.path.insert(0, __file__.removesuffix("main.py") or ".")
    from latent_explorer.bootstrap import main

    main()
