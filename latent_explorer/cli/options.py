# SPDX-License-Identifier: MIT
"""Options that several commands share: the pictures to read, and settings of a config by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec.structs import fields

from latent_explorer.common.errors import UserError
from latent_explorer.training.settings import settings_of

if TYPE_CHECKING:
    import msgspec

    from latent_explorer.training.settings import Setting

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)
SPLIT_CHOICES = ("train", "val", "test", "all")

classifier_option = click.option(
    "--classifier", metavar="NAME|ID", help="The one to ask: its name, or the beginning of its id."
)
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda:0, mps.")
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
