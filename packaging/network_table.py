# SPDX-License-Identifier: MIT
"""Make resources/networks.json: how many tensors and values each classifier of torchvision and timm has.

An imported state dict is compared with the few networks whose figures are near (models/importers/classifiers). Networks
of a newer timm that the table lacks are still found by name. Run it after an update of either library (10 minutes):

    python packaging/network_table.py
"""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

from latent_explorer.models.importers.classifiers.recognise import figures_of
from latent_explorer.models.library_networks import network_names

TARGET = Path(__file__).resolve().parents[1] / "resources" / "networks.json"


def main() -> None:
    warnings.simplefilter("ignore")
    rows = {}
    for name in network_names():
        figures = figures_of(name)
        if figures is None:
            print(f"left out, as it cannot be built without memory: {name}")
        else:
            rows[name] = figures
    lines = ",\n".join(f" {json.dumps(name)}: [{count}, {values}]" for name, (count, values) in rows.items())
    TARGET.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    print(f"{len(rows)} networks, {math.ceil(TARGET.stat().st_size / 1000)} kB")


if __name__ == "__main__":
    main()
