# SPDX-License-Identifier: MIT
"""The glossary: its page is made from the definitions, and what it links to is there."""

from __future__ import annotations

import re

import pytest

from latent_explorer.common.glossary import TERMS, meaning, page
from latent_explorer.common.paths import docs_dir


def test_the_page_is_made_of_the_definitions():
    text = (docs_dir() / "glossary.md").read_text(encoding="utf-8")
    assert text == page(), "python -m latent_explorer.common.glossary > docs/glossary.md"


@pytest.mark.parametrize("word", ["psi", "w", "w+", "style coordinate", "agreement", "kappa", "cond", "lpips"])
def test_words_of_the_window_are_explained_in_a_sentence_or_two(word):
    said = meaning(word)
    assert said.startswith(TERMS[word].name)
    assert 30 < len(said) < 300
    assert said.endswith(".")


def test_links_lead_to_headings():
    for term in TERMS.values():
        if not term.more:
            continue
        file, _, anchor = term.more.partition("#")
        text = (docs_dir() / file).read_text(encoding="utf-8")
        headings = re.findall(r"(?m)^#+ (.+)$", text)
        anchors = {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}
        assert not anchor or anchor in anchors, term.more
