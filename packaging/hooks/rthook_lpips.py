# SPDX-License-Identifier: MIT
"""PyInstaller run-time hook: lpips without its trainer.

`import lpips` also imports the code that trains LPIPS itself, the only reason why scipy (140 MB) would be needed. The
bundle holds neither; an empty module stands for the trainer.
"""

import sys
from types import ModuleType

sys.modules["lpips.trainer"] = ModuleType("lpips.trainer")
