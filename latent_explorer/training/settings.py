# SPDX-License-Identifier: MIT
"""Settings of a training by name, as `--set NAME=VALUE` and the window's form give them. No torch.

What the settings are stands in `training.config`, ready-made ones in `training.presets`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

S = TypeVar("S", bound=msgspec.Struct)


def with_settings(config: S, settings: Sequence[str]) -> S:
    """The config with `NAME=VALUE` pairs applied; a tuple is written with commas.

    Raises `UserError` for a name that the config lacks and for a value of the wrong kind.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(type(config))}
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in types:
            raise UserError(
                f"There is no setting {name!r}. Known, as NAME=VALUE: {', '.join(sorted(types))}."
            )
        try:
            changes[name] = _converted(text, types[name])
        except msgspec.ValidationError as error:
            raise UserError(f"The setting {setting!r} has a wrong value: {error}.") from error
    return msgspec.structs.replace(config, **changes)


def _converted(text: str, wanted: Any) -> Any:
    is_tuple = str(wanted).startswith("tuple")
    return msgspec.convert(text.split(",") if is_tuple else text, wanted, strict=False)
