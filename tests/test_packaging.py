# SPDX-License-Identifier: MIT
"""Checks of the packages that need no build."""

from __future__ import annotations

import ast
import os
import plistlib
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from latent_explorer import __version__
from latent_explorer.app import library
from latent_explorer.app.diagnostics import QT_LIBRARIES, WINDOW_LIBRARIES
from latent_explorer.common.paths import APP_ID

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_one_version_everywhere() -> None:
    assert PROJECT["project"]["version"] == __version__
    flatpak = (PACKAGING / "linux" / "org.latentexplorer.LatentExplorer.yml").read_text()
    assert f"/latent-explorer-{__version__}-linux-" in flatpak


def test_the_spec_is_python_and_names_files_that_exist() -> None:
    spec = (ROOT / "packaging" / "latent_explorer.spec").read_text()
    ast.parse(spec)
    for name in ("rthook_torchvision.py", "main.py", "resources"):
        assert name in spec
    assert (ROOT / "packaging" / "hooks" / "rthook_torchvision.py").is_file()


def test_both_explainers_come_with_every_package_and_are_small_enough() -> None:
    """Each version of them stays in every clone of the repository."""
    shipped = {path.stem: path.stat().st_size for path in library.bundled()}
    assert {library.LEAF, library.SHORTCUT} <= shipped.keys()
    assert sum(shipped.values()) <= 36e6
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["resources"] == "latent_explorer/_resources"  # all of it
    spec = (ROOT / "packaging" / "latent_explorer.spec").read_text()
    assert '(str(ROOT / "resources"), "latent_explorer/_resources")' in spec


def test_the_documentation_comes_with_every_package() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["docs"] == "latent_explorer/_docs"
    assert "/docs" in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    spec = (ROOT / "packaging" / "latent_explorer.spec").read_text()
    assert '(str(ROOT / "docs"), "latent_explorer/_docs")' in spec


def test_scripts_install_the_libraries_that_doctor_misses() -> None:
    script = (ROOT / "packaging" / "linux" / "system-libs.sh").read_text()
    for package in (*QT_LIBRARIES.values(), *WINDOW_LIBRARIES.values()):
        assert package in script


@pytest.mark.skipif(os.name != "posix", reason="shell scripts")
@pytest.mark.parametrize("script", [*PACKAGING.glob("**/*.sh"), ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_scripts_parse(script: Path) -> None:
    shell = "bash" if "bash" in script.read_text().partition("\n")[0] else "sh"
    subprocess.run([shell, "-n", str(script)], check=True)


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the packages for Linux put into /usr/share, but the icons, which a build makes."""
    folder = tmp_path_factory.mktemp("share")
    runpy.run_path(str(PACKAGING / "wrap.py"))["_stage_desktop_files"](folder)
    return folder


def checked_by(tool: str, package: str, *arguments: str | Path) -> str:
    """Run a checker of Linux desktops, return what it says and assert that it is content; skip where it is missing."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed (Debian: {package})")
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_desktop_entry_is_valid(share: Path) -> None:
    said = checked_by("desktop-file-validate", "desktop-file-utils", share / "applications" / f"{APP_ID}.desktop")
    assert "error" not in said


def test_the_description_for_software_centres_is_valid(share: Path) -> None:
    said = checked_by(
        "appstreamcli", "appstream", "validate", "--no-net", "--explain", share / "metainfo" / f"{APP_ID}.metainfo.xml"
    )
    assert "E:" not in said


def test_the_file_types_are_well_formed_and_those_of_the_desktop_entry(share: Path) -> None:
    path = share / "mime" / "packages" / f"{APP_ID}.xml"
    types = {each.get("type") for each in ElementTree.parse(path).getroot()}
    entry = (share / "applications" / f"{APP_ID}.desktop").read_text()
    assert {each for each in re.search(r"^MimeType=(.*)$", entry, re.MULTILINE)[1].split(";") if each} == types
    assert {f"application/x-latent-explorer-{suffix}" for suffix in ("explainer", "exploration")} == types


def test_the_database_of_file_types_takes_them(share: Path) -> None:
    said = checked_by("update-mime-database", "shared-mime-info", share / "mime")
    assert "rror" not in said
    assert "*.explainer" in (share / "mime" / "globs2").read_text()


def test_the_flatpak_manifest_is_read() -> None:
    manifest = PACKAGING / "linux" / "org.latentexplorer.LatentExplorer.yml"
    said = checked_by("flatpak-builder", "flatpak-builder", "--show-manifest", manifest)
    assert f'"id" : "{APP_ID}"' in said
    assert "Unknown property" not in said


def test_every_installer_has_the_one_identifier() -> None:
    for name in ("windows/installer.nsi", "linux/org.latentexplorer.LatentExplorer.yml"):
        assert APP_ID in (PACKAGING / name).read_text()
    assert {path.name.removesuffix(path.suffix).partition(".m")[0] for path in PACKAGING.glob("linux/org.*")} == {
        APP_ID
    }


def test_entitlements_are_a_property_list() -> None:
    entitlements = plistlib.loads((PACKAGING / "macos" / "entitlements.plist").read_bytes())
    assert all(name.startswith("com.apple.security.cs.") and value is True for name, value in entitlements.items())
    assert "com.apple.security.cs.allow-unsigned-executable-memory" in entitlements


@pytest.mark.parametrize("workflow", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_workflows_pin_what_they_use_and_ask_for_little(workflow: Path) -> None:
    text = workflow.read_text()
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w/.-]+@[0-9a-f]{40} # v[\d.]+", each)] == []
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    assert re.search(r"^permissions:", text, re.MULTILINE), "else they are those of the repository, up to writing"


def test_the_schemas_are_declared_when_torchvision_comes() -> None:
    """The run-time hook alone imports no torch."""
    code = """
import runpy, sys
runpy.run_path("packaging/hooks/rthook_torchvision.py")
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_doctor_runs_as_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "latent_explorer", "doctor"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert __version__ in done.stdout
