# SPDX-License-Identifier: MIT
"""Score verbal answers: the most used word for an attribute, and the overlap of words between attributes.

Words are compared by their stems (Snowball, from the library `snowballstemmer`).
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common.statistics import mean, wilson_interval
from latent_explorer.studies.scoring.choices import is_missing_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from latent_explorer.studies.build.answer_key import KeyItem
    from latent_explorer.studies.scoring.answers import Respondent

MAX_TOP_WORDS = 5
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LANGUAGES = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
# Words that do not describe a change: English, and the few of other languages that would lead every list.
_SILENT = """
    a an the of on in at to is are was be it its it's this that these those there and or but with from for by as
    into they them their he she his her i you we my your not no do does did so than then very more less most
    some any all picture pictures image images photo photos change changes changed changing get gets getting
    become becomes becoming turn turns turning goes go going before after
    der die das ein eine einer und oder ist sind wird werden mit von im den dem des zu auf es mehr bild bilder
    le la les un une du et ou est sont de plus el los las una y más il lo gli e di
"""
_STOP = frozenset(_SILENT.split())


class WordCount(msgspec.Struct, frozen=True):
    """Stem, its most frequent written form, and the number of respondents who used it."""

    stem: str
    word: str
    count: int


class VerbalScore(msgspec.Struct, frozen=True, kw_only=True):
    """Score of one verbal question. `share` is relative to the respondents who answered it."""

    item: str
    arm: str
    attribute: str
    n: int
    modal: WordCount | None
    share: float
    interval: tuple[float, float]  # Wilson, 95 %
    top: tuple[WordCount, ...]
    answers: tuple[str, ...]


class Distinctness(msgspec.Struct, frozen=True, kw_only=True):
    """Differences between the descriptions of an arm's attributes. Pairs: questions about different attributes."""

    arm: str
    questions: int
    different_modal: int  # modal stems that occur
    pairs: int
    same_modal: tuple[tuple[str, str, str], ...]  # attribute, attribute, the word that both share
    overlap: float  # mean over pairs of the shared weight of their words: 0 none, 1 the same words as often


@cache
def _stemmer(language: str) -> object:
    import snowballstemmer

    return snowballstemmer.stemmer(_LANGUAGES.get(language[:2].lower(), "english"))


def stems(text: str, language: str = "en") -> dict[str, str]:
    """Return the stems of a text with the words they come from. Stop words count only if there are no others."""
    words = [w.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") for w in _WORD.findall(text)]
    telling = [w for w in words if w not in _STOP] or words
    return {_stem(word, language): word for word in telling}


@lru_cache(maxsize=100_000)
def _stem(word: str, language: str) -> str:
    return str(_stemmer(language).stemWord(word))  # type: ignore[attr-defined]


def score_words(items: Sequence[KeyItem], respondents: Sequence[Respondent], language: str) -> list[VerbalScore]:
    """Score every verbal question. A respondent counts once for each stem."""
    return [_score(item, respondents, language) for item in items]


def _score(item: KeyItem, respondents: Sequence[Respondent], language: str) -> VerbalScore:
    given = (r.answers[item.item].value for r in respondents if item.item in r.answers)
    answers = [text for text in given if not is_missing_code(text)]
    counts, forms = _counted(answers, language)
    # Equally frequent stems are in alphabetical order, so that the result is deterministic.
    ranked = sorted(counts, key=lambda stem: (-counts[stem], stem))
    top = tuple(WordCount(s, forms[s].most_common(1)[0][0], counts[s]) for s in ranked[:MAX_TOP_WORDS])
    modal = top[0] if top else None
    used = modal.count if modal else 0
    return VerbalScore(
        item=item.item,
        arm=item.arm,
        attribute=item.attribute,
        n=len(answers),
        modal=modal,
        share=used / len(answers) if answers else float("nan"),
        interval=wilson_interval(used, len(answers)),
        top=top,
        answers=tuple(answers),
    )


def _counted(texts: Iterable[str], language: str) -> tuple[Counter[str], dict[str, Counter[str]]]:
    counts: Counter[str] = Counter()
    forms: dict[str, Counter[str]] = {}
    for text in texts:
        for stem, word in stems(text, language).items():
            counts[stem] += 1
            forms.setdefault(stem, Counter())[word] += 1
    return counts, forms


def distinctness(arm: str, scores: Sequence[VerbalScore], language: str) -> Distinctness:
    """Compare the verbal questions of one arm."""
    weights = {}
    for score in scores:
        counts, _ = _counted(score.answers, language)
        total = sum(counts.values())
        weights[score.item] = {stem: n / total for stem, n in counts.items()}
    pairs = [(a, b) for a, b in combinations(scores, 2) if a.attribute != b.attribute]
    shared = [sum(min(w, weights[b.item].get(s, 0.0)) for s, w in weights[a.item].items()) for a, b in pairs]
    same = tuple(
        (a.attribute, b.attribute, a.modal.word)
        for a, b in pairs
        if a.modal and b.modal and a.modal.stem == b.modal.stem
    )
    modal = {score.modal.stem for score in scores if score.modal}
    return Distinctness(
        arm=arm,
        questions=len(scores),
        different_modal=len(modal),
        pairs=len(pairs),
        same_modal=same,
        overlap=mean(shared),
    )
