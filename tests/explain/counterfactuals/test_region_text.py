# SPDX-License-Identifier: MIT
"""Sentences about a painted part say what was found, with its controls."""

from __future__ import annotations

import numpy as np

from latent_explorer.explain.counterfactuals.region import InRegion, RegionStudy
from latent_explorer.explain.counterfactuals.region_text import answer, sentence, share
from latent_explorer.models.attributes import Attribute, AttributeEntry

CLASSES = ("diseased", "healthy")


def result(*names: str, p: float = 0.9, outside: float = 0.1, lies: float = 0.4, random=None, random_share=None):
    attributes = tuple(Attribute(name, 1, (AttributeEntry(i, "max"),)) for i, name in enumerate(names))
    inside, out = np.array([1 - p, p]), np.array([1 - outside, outside])
    image = np.zeros((4, 4, 3), np.uint8)
    return InRegion(attributes, lies, inside, out, inside, p - 0.5, outside > 0.5, p > 0.5, image, random, random_share)


def study(*ranked, sets=(), together=None, area=0.06):
    return RegionStudy(1, area, np.array([0.98, 0.02]), ranked, sets, together)


def test_a_set_that_turns_it_stands_beside_its_controls():
    best = result("Even green", "Pale midrib", random=(1, 8), random_share=0.09)
    said = sentence(study(result("Even green", lies=0.34), sets=(best,)), CLASSES)
    assert said == (
        "The classifier sees diseased (0.98); where only 6 % of the picture may change, Even green and Pale midrib "
        "turn it to healthy (0.90). Random edits that change as much there: 1 of 8 turn it. The same edits everywhere "
        "but there do not turn it (healthy 0.10). Of what Even green changes, 34 % lies there (6 % if spread evenly, "
        "9 % of random edits)."
    )


def test_the_same_edits_elsewhere_are_told_where_they_turn_it_too():
    assert "everywhere but there turn it as well" in sentence(
        study(result("a"), sets=(result("a", outside=0.8),)), CLASSES
    )


def test_nothing_that_turns_it_is_said_plainly():
    together = result("a", "b", p=0.3)
    assert answer(study(result("a"), result("b"), together=together), CLASSES).endswith(
        "nothing turns it: the 2 attributes that help, together, reach healthy 0.30."
    )
    alone = answer(study(result("a"), result("b"), together=result("a", p=0.3)), CLASSES)
    assert alone.endswith("nothing turns it: a, which alone helps, reaches healthy 0.30.")
    none = answer(study(result("a", p=0.01), result("b", p=0.01)), CLASSES)
    assert none.endswith("none of the 2 attributes leads towards healthy.")


def test_the_users_names_are_used_and_small_shares_keep_a_decimal():
    found = study(result("a"), sets=(result("a"),))
    assert "Spots turns it" in sentence(found, CLASSES, lambda _attribute: "Spots")
    assert [share(x) for x in (0.004, 0.3, 0.0, 1.0)] == ["0.4 %", "30 %", "0 %", "100 %"]
