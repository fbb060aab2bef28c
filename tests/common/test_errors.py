# SPDX-License-Identifier: MIT
"""Messages for people: foreign text in them is short and cannot hide what follows."""

from __future__ import annotations

import pickle

import pytest

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import readable, shortened


@pytest.mark.parametrize(
    "foreign", ["W" * 5_000_000, "many words " * 500_000, "\N{CJK UNIFIED IDEOGRAPH-8449}" * 10**6]
)
def test_an_error_does_not_quote_megabytes(foreign):
    text = str(UserError(f"{foreign!r} is not a size. Write it like 2MB."))
    assert len(text) <= 2000
    assert text.endswith("is not a size. Write it like 2MB.")


def test_an_ordinary_message_stays_as_it_is():
    text = "/a/long/path/" + "folder/" * 30 + "leaf-health.explainer cannot be read.\nChoose another."
    assert str(UserError(text)) == text
    assert str(pickle.loads(pickle.dumps(UserError(text)))) == text


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("a\x1b[2Jb\x00", "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}"),
        ("leaf\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe", "leafgnp.exe"),
        ("a\N{NO-BREAK SPACE}b", "a b"),
        ("\N{DEVANAGARI LETTER KA}\N{ZERO WIDTH JOINER}", "\N{DEVANAGARI LETTER KA}\N{ZERO WIDTH JOINER}"),
        ("bad\udcff", "bad\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_foreign_text_cannot_steer_the_screen(foreign, shown):
    assert readable(foreign) == shown
    assert str(UserError(foreign)) == shown


def test_a_name_is_one_short_line():
    assert shortened("two\nlines\tand more") == "two lines and more"
    assert shortened("W" * 1000) == "W" * 59 + "\N{HORIZONTAL ELLIPSIS}"
