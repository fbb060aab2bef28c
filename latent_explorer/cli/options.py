# SPDX-License-Identifier: MIT
"""Types of arguments (paths, places to write, numbers), and options that several commands share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import unquote_to_bytes

import click
from msgspec.structs import fields

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import check_writable
from latent_explorer.models.programs.program import RUN_OPTION, allow_all
from latent_explorer.training.settings import settings_of

if TYPE_CHECKING:
    import msgspec

    from latent_explorer.training.settings import Setting

F = TypeVar("F", bound=Callable[..., Any])

MAX_NUMBER = 1e6
MAX_SEED = 2**63 - 1


class LocalPath(click.Path):
    """Path, also as the `file:` address that file managers and browsers give."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(path_of_address(value) if isinstance(value, str) else value, param, ctx)


def path_of_address(text: str) -> str:
    """Return the path of a `file:` address ("file:///home/me/a%20b.png"); any other text as it is."""
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() != "file" or not rest.startswith("/"):
        return text
    host, slash, path = rest[2:].partition("/") if rest.startswith("//") else ("", "/", rest[1:])
    if host.lower() not in ("", "localhost") and os.name == "posix":
        raise UserError(f"{text} is on another computer. Copy the file to this one first.")
    path = os.fsdecode(unquote_to_bytes(path))
    if os.name == "posix":
        return slash + path
    return path if host.lower() in ("", "localhost") else f"//{host}/{path}"


class OutputPath(LocalPath):
    """Path to write: a place where that is impossible is refused before the work begins."""

    def __init__(self, kind: Literal["file", "folder", "new folder"] | None) -> None:
        super().__init__(path_type=Path)
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path: Path = super().convert(value, param, ctx)
        check_writable(path, self._kind or ("file" if path.suffix else "new folder"))
        return path


class Number(click.FloatRange):
    """Finite number between `min` and `max`: no NaN, and nothing that float32 holds only as infinity."""

    def __init__(self, min: float = -MAX_NUMBER, max: float = MAX_NUMBER, **others: Any) -> None:
        super().__init__(min, max, **others)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number. Write it as 0.5.", param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        if abs(number) > MAX_NUMBER:
            self.fail(f"{value!r} is too large.", param, ctx)
        return super().convert(number, param, ctx)

    def _describe_range(self) -> str:
        return "" if abs(self.max or 0) == MAX_NUMBER == -(self.min or 0) else super()._describe_range()


PATH = LocalPath(path_type=Path)
OUTPUT_FILE = OutputPath("file")
OUTPUT_FOLDER = OutputPath("folder")
NEW_OUTPUT_FOLDER = OutputPath("new folder")
OUTPUT_FILE_OR_NEW_FOLDER = OutputPath(None)  # a folder where the name has no ending
NUMBER = Number()
COUNT = click.IntRange(0, 1_000_000)  # what it counts has limits of its own
SEED = click.IntRange(0, MAX_SEED)
SPLIT_CHOICES = ("train", "val", "test", "all")

seed_option = click.option("--seed", type=SEED, help="Choose the pictures by this seed; without it, the first.")
kappa_option = click.option(
    "--kappa", default=1.0, type=NUMBER, show_default=True, help="Share of the way to the observed end."
)
wanted_option = click.option(
    "--wanted", default=10, show_default=True, type=click.IntRange(min=1), help="Attributes per class."
)
classifier_option = click.option(
    "--classifier", metavar="NAME|ID", help="The one to ask: its name, or the beginning of its id."
)
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda:0, mps.")


def _allow_programs(_context: click.Context, _parameter: click.Parameter, given: bool) -> None:
    if given:
        allow_all()


run_program_option = click.option(
    RUN_OPTION,
    is_flag=True,
    expose_value=False,
    callback=_allow_programs,
    help="Run classifiers that are programs (TorchScript, torch.export), in a separate process. They are code: do so "
    "only if you trust where they come from.",
)
# Reaches the fields of a config that have no option of their own.
settings_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the training by its name, see docs/training.md; may be repeated.",
)


def combine_options(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return one decorator that adds all these options, in this order."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def data_options(split: str = "--split") -> Callable[[F], F]:
    """Add the options that choose and split the pictures of DATA; `split` names the one for a column of sides."""
    return combine_options(
        click.option("--label", metavar="COLUMN", help="Column of labels.csv that holds the label."),
        click.option("--classes", metavar="VALUE=NAME,...", help="Label values and their class names, in class order."),
        click.option(
            "--where", multiple=True, metavar="COLUMN=VALUE,...", help="Take only these rows; may be repeated."
        ),
        click.option("--group", metavar="COLUMN", help="Rows of one group never stand on both sides of a split."),
        click.option(
            split,
            "split",
            metavar="COLUMN",
            help="Column that says train, val or test; without it as the folders say (train/, test/), else 80/10/10 by "
            "hash; 'hash' for that in any case.",
        ),
    )


DATA_OPTIONS = ("label", "classes", "where", "group", "split")  # names of their values


def pictures_options(command: F) -> F:
    """Add the options that choose what a search for attributes looks at: pictures of the file, or others."""
    images = click.option(
        "--images", "data", type=LocalPath(), metavar="DATA", help="Take these instead of the pictures of the file."
    )
    return combine_options(
        images, data_options(split="--split-column"), split_option("val"), n_option(), seed_option, classifier_option
    )(command)


def n_option(fewest: int = 1) -> Callable[[F], F]:
    """Add `--n`, the number of pictures of the file."""
    return click.option("--n", default=250, show_default=True, type=click.IntRange(min=fewest), help="Pictures.")


def split_option(default: str) -> Callable[[F], F]:
    """Add `--split`, for commands that take one side of the split."""
    return click.option(
        "--split", "side", type=click.Choice(SPLIT_CHOICES), default=default, show_default=True, help="Which pictures."
    )


def setting_options(config: type[msgspec.Struct], *names: str) -> Callable[[F], F]:
    """Add an option for each of these settings of `config`, with its reason as help; None where it is not given."""
    defaults = {field.name: field.default for field in fields(config)}

    def option(setting: Setting) -> Callable[[Any], Any]:
        return click.option(
            f"--{setting.name.replace('_', '-')}",
            type=_SettingType(setting),
            metavar="|".join(map(str, setting.choices)) or ("TEXT" if setting.allowed == "text" else "N"),
            help=f"{setting.reason} [default: {setting.text(defaults[setting.name])}]",
        )

    return combine_options(*(option(settings_of(config)[name]) for name in names))


class _SettingType(click.ParamType):
    """Type of the value of a setting."""

    def __init__(self, setting: Setting) -> None:
        self.name = setting.name
        self._setting = setting

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._setting.parse(value)
        except UserError:
            self.fail(f"It must be {self._setting.allowed}.", param, ctx)


def parse_class_names(text: str) -> tuple[str, ...]:
    """Return the class names in a list with commas, or in a text file, one per line. Raises UserError."""
    path = Path(text)
    if path.suffix == ".txt":
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path} cannot be read: {error}. Give a UTF-8 text file, one class name per line."
            ) from error
        return tuple(line.strip() for line in lines if line.strip())
    return tuple(part.strip() for part in text.split(",") if part.strip())
