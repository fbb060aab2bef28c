# SPDX-License-Identifier: MIT
"""What the frozen folder holds: its distributions and system libraries, their licence texts, sizes, bill of materials.

It goes by PyInstaller's own lists, so what is left out is not listed. Run by build.py with the environment's Python.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTS = ROOT / "build" / "pyinstaller" / "latent_explorer"
FOLDER = ROOT / "dist" / "latent-explorer"
BILL = ROOT / "dist" / "latent-explorer.cdx.json"
LICENCES = FOLDER / "_internal" / "latent_explorer" / "_resources" / "licences"

_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|copyright|authors)", re.IGNORECASE)
# Terms that a distribution does not bring as a file, or not all of them: texts in packaging/licences.
_ELSEWHERE = {
    "PySide6_Essentials": "LGPL-3.0-only",
    "shiboken6": "LGPL-3.0-only",
    "torchcam": "Apache-2.0",
    "av": "GPL-3.0-or-later",  # its FFmpeg
}


@dataclass
class Part:
    """Distribution or system package in the folder."""

    name: str
    version: str
    licence: str  # as its metadata says, in a line
    kind: str  # "pypi", "deb" or "generic"
    texts: list[Path] = field(default_factory=list)

    @property
    def purl(self) -> str:
        """Package URL (ECMA-427), for example pkg:pypi/torch@2.13.0."""
        place = "deb/debian" if self.kind == "deb" else self.kind
        return f"pkg:{place}/{self.name.lower()}@{self.version}"


def main() -> None:
    argparse.ArgumentParser(description="Write licence texts and the bill of materials of the folder.").parse_args()
    found = parts()
    without = write_licences(found)
    write_bill(found)
    print(f"{len(found)} parts, bill of materials in {BILL}")
    if without:
        sys.exit(f"No licence text was found for: {', '.join(without)}. See _ELSEWHERE in {Path(__file__).name}.")


def parts() -> list[Part]:
    """Return every part of the folder, by name."""
    sources = collected_sources()
    return sorted([*_distributions(sources), *_system_packages(sources), _python()], key=lambda p: p.name.lower())


def collected_sources() -> set[Path]:
    """Return the files that PyInstaller collected, as they lie in the environment and the system."""
    sources = set()
    for name in ("PYZ-00.toc", "COLLECT-00.toc"):
        for entry in _entries(ast.literal_eval((LISTS / name).read_text(encoding="utf-8"))):
            sources.add(Path(entry[1]))
    return sources


def _entries(tree: object) -> list[tuple[str, str, str]]:
    """Return the (name, source, kind) entries in a list of PyInstaller, however deep."""
    if isinstance(tree, tuple) and len(tree) == 3 and all(isinstance(value, str) for value in tree):
        return [tree] if tree[1] else []
    if isinstance(tree, list | tuple):
        return [entry for value in tree for entry in _entries(value)]
    return []


def _distributions(sources: set[Path]) -> list[Part]:
    found = []
    own = {path.resolve() for path in sources}
    for distribution in metadata.distributions():
        files = [Path(str(distribution.locate_file(file))) for file in distribution.files or ()]
        code = [path for path in files if ".dist-info" not in path.as_posix()]
        if not own.intersection(path.resolve() for path in code):
            continue
        info = distribution.metadata
        texts = [p for p in files if ".dist-info" in p.as_posix() and _LICENCE_FILE.search(p.name) and p.is_file()]
        texts += [p for p in code if _LICENCE_FILE.match(p.name) and p.suffix in ("", ".txt", ".md") and p.is_file()]
        licence = info.get("License-Expression") or _classified(info) or (info.get("License") or "").split("\n")[0]
        found.append(Part(info["Name"], distribution.version, licence or "see its text", "pypi", texts))
    return found


def _classified(info: metadata.PackageMetadata) -> str:
    lines = info.get_all("Classifier") or ()
    return ", ".join(line.rpartition(" :: ")[2] for line in lines if line.startswith("License ::"))


def _system_packages(sources: set[Path]) -> list[Part]:
    """Return the Debian packages whose shared libraries were collected; none on other systems."""
    if not shutil.which("dpkg-query"):
        return []
    environment = Path(sys.prefix)
    libraries = [str(p) for p in sources if ".so" in p.name and environment not in p.parents and ROOT not in p.parents]
    owners: Counter[str] = Counter()
    for library in libraries:
        for name in dict.fromkeys((library, str(Path(library).resolve()), "/usr" + library)):
            asked = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
            if asked.returncode == 0:
                owners[asked.stdout.partition(":")[0]] += 1
                break
    found = []
    for package in owners:
        version = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}\n", package], capture_output=True, text=True, check=True
        ).stdout.split("\n")[0]
        text = Path("/usr/share/doc") / package / "copyright"
        found.append(Part(package, version, "see its text", "deb", [text] if text.is_file() else []))
    return found


def _python() -> Part:
    places = (Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix))  # the second one on Windows
    texts = [place / "LICENSE.txt" for place in places if (place / "LICENSE.txt").is_file()]
    version = ".".join(map(str, sys.version_info[:3]))
    return Part("python", version, "PSF-2.0", "generic", texts[:1])


def write_licences(found: list[Part]) -> list[str]:
    """Write each part's texts and an index into the folder; return the names of parts without a text."""
    shutil.rmtree(LICENCES, ignore_errors=True)
    LICENCES.mkdir(parents=True)
    index, without = [], []
    for part in found:
        texts = [text.read_text(encoding="utf-8", errors="replace") for text in part.texts]
        terms = _ELSEWHERE.get(part.name)
        if terms:
            texts.append((ROOT / "packaging" / "licences" / f"{terms}.txt").read_text(encoding="utf-8"))
        if not texts:
            without.append(part.name)
            continue
        name = f"{part.name}.txt"
        (LICENCES / name).write_text("\n\n".join(dict.fromkeys(texts)), encoding="utf-8")
        index.append({"name": part.name, "version": part.version, "licence": _terms(part), "file": name})
    (LICENCES / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")
    return without


def _terms(part: Part) -> str:
    """Return a part's licence in a line, with that of what it brings."""
    more = _ELSEWHERE.get(part.name)
    if more is None or more == part.licence:
        return part.licence
    return more if part.licence == "see its text" or not part.texts else f"{part.licence}; in parts {more}"


def write_bill(found: list[Part]) -> None:
    """Write the software bill of materials, CycloneDX 1.5 (ECMA-424) as JSON."""
    components = [
        {"type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl}
        | ({} if part.licence == "see its text" else {"licenses": [{"license": {"name": part.licence[:200]}}]})
        for part in found
    ]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "component": {
                "type": "application",
                "name": "latent-explorer",
                "version": metadata.version("latent-explorer"),
            },
        },
        "components": components,
    }
    BILL.write_text(json.dumps(bill, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
