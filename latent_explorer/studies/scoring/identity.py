# SPDX-License-Identifier: MIT
"""Who is who: which rows of all files belong to one person."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from latent_explorer.studies.scoring.answers import Respondent

# What a spreadsheet makes of a long number: 1.18E+11, or zeros after the fifteenth digit.
_ROUNDED = re.compile(r"-?\d(?:[.,]\d+)?E\+?\d+|\d{15}0+", re.IGNORECASE)


def is_rounded(name: str) -> bool:
    """Return True for an id of which a spreadsheet has left only the first digits."""
    return bool(_ROUNDED.fullmatch(name.strip()))


def identities(respondents: Sequence[Respondent], *, one_survey: bool) -> list[Hashable]:
    """Return what tells people apart: equal values are one person.

    A service counts its ids in each survey, so an id means something only within its file, unless all files are of
    `one_survey`. Rows without an id that can be trusted are people of their own.
    """
    return [
        i if _is_unnamed(respondent) else (respondent.name, "" if one_survey else respondent.scope)
        for i, respondent in enumerate(respondents)
    ]


def _is_unnamed(respondent: Respondent) -> bool:
    name = respondent.name
    return not name or name.startswith("row ") or is_rounded(name)


def identity_notes(respondents: Sequence[Respondent], *, one_survey: bool) -> list[str]:
    """Return what a reader must know about the ids, as sentences."""
    notes = []
    if rounded := [r for r in respondents if is_rounded(r.name)]:
        notes.append(
            f"{len(rounded)} respondent ids look as if a spreadsheet had rounded them, such as {rounded[0].name} in "
            f"{rounded[0].source}: several people may have one. Each of these rows counts as a person. Export the "
            "answers again, and use the file without saving it in a spreadsheet."
        )
    known = dict.fromkeys((r.name, r.scope) for r in respondents if not _is_unnamed(r))
    shared = [name for name, count in Counter(name for name, _ in known).items() if count > 1]
    if shared and not one_survey:
        more = ", ..." if len(shared) > 3 else ""
        notes.append(
            f"{len(shared)} respondent ids are in several files ({', '.join(shared[:3])}{more}) and count as different "
            "people in each. If the files are exports of one survey, tick that (--one-survey): then an id counts once."
        )
    return notes
