# SPDX-License-Identifier: MIT
"""Print every module of the package with the first line of its docstring: `make map`."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "latent_explorer"

for path in sorted(PACKAGE.rglob("*.py")):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if docstring:
        print(f"{path.relative_to(PACKAGE)}: {docstring.splitlines()[0]}")
