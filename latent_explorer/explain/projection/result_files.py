# SPDX-License-Identifier: MIT
"""Files of projections in a folder: three for each picture, and two summaries. No torch."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer.common.csv_table import escape_formula
from latent_explorer.common.format import free_name
from latent_explorer.common.paths import atomic_output, check_writable, safe_file_name
from latent_explorer.explain.projected import SUFFIX, latent_npz, to_bytes
from latent_explorer.explain.projection.report_text import checks, has_photo
from latent_explorer.media.drawing import enlarge, export_factor
from latent_explorer.media.png import png_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.projected import ProjectedPicture, ProjectionReport

_COLUMNS = (
    "name",
    "space",
    "start",
    "steps",
    "seconds",
    "lpips",
    "lpips_net",
    "psnr",
    "agreement",
    "class_check",
    "detail_check",
    "domain_check",
    "detail_kept",
    "probability_difference",
    "w_distance",
    "in_domain",
    "domain_reason",
    "tuned",
)


class ResultFolder:
    """Folder that projections are written into, each under its own name. Made with the first file if it is missing.

    Raises UserError if it cannot be written into.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.reports: list[ProjectionReport] = []
        self._names: set[str] = set()
        self._rows: list[dict[str, Any]] = []
        check_writable(self.path, "folder")

    def add(self, pictures: Sequence[ProjectedPicture]) -> None:
        """Write NAME.projection, NAME.npz (w, as NVIDIA's projector writes it) and NAME.png (target, result)."""
        for picture in pictures:
            plain = safe_file_name(Path(picture.report.name).stem) or "picture"
            name = free_name(plain, lambda name: name.lower() in self._names, "-")
            self._names.add(name.lower())
            pair = np.concatenate([picture.target, picture.image], axis=1)
            shown = enlarge(pair, export_factor(picture.target))
            files = {
                "projection": (SUFFIX, to_bytes(picture)),
                "latents": (".npz", latent_npz(picture)),
                "image": (".png", png_bytes(shown)),
            }
            passed = {check.name: check.passed for check in checks(picture.report)}
            row = msgspec.to_builtins(picture.report) | {"latent_id": picture.latent_id, "checks": passed}
            row |= {f"{name}_check": result for name, result in passed.items()}
            for what, (suffix, content) in files.items():
                path = self.path / f"{name}{suffix}"
                with atomic_output(path) as temporary:
                    temporary.write_bytes(content)
                row[what] = str(path)
            self.reports.append(picture.report)
            self._rows.append(row)

    def write_summaries(self) -> dict[str, Any]:
        """Write summary.json and summary.csv of all pictures so far; return the content of summary.json."""
        of_photos = [report for report in self.reports if has_photo(report)]
        fields = {
            "n": len(self._rows),
            **{name: _mean(of_photos, name) for name in ("lpips", "psnr", "agreement")},
            "outside_domain": sum(not report.in_domain for report in of_photos),
            "projections": self._rows,
        }
        table = io.StringIO()
        writer = csv.DictWriter(table, _COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: escape_formula(cell) for name, cell in row.items()} for row in self._rows)
        texts = {"summary.json": json.dumps(fields, indent=1) + "\n", "summary.csv": table.getvalue()}
        for name, text in texts.items():
            with atomic_output(self.path / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return fields


def _mean(reports: Sequence[ProjectionReport], name: str) -> float | None:
    """Return the mean of a field, or None where no photo was projected."""
    return float(np.mean([getattr(report, name) for report in reports])) if reports else None
