# SPDX-License-Identifier: MIT
"""Which choice a text names. A text that says more than that, such as "not sure, maybe 1", names none."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.studies.build.answer_key import StudyKey

MAX_LENGTH = 200  # characters of a text that names a choice
_LETTERS = "abcdefgh"


@lru_cache(maxsize=10_000)
def fold(text: str) -> str:
    """Return a text in lower case without accents, and with the plain forms of its digits and letters."""
    plain = unicodedata.normalize("NFKD", text.strip().lower())
    return "".join(c for c in plain if not unicodedata.category(c).startswith("M"))


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(fold(text).split())


# Words beside the name of a choice, in the languages of the services' own interfaces.
_LABELS = """
    the one choice option image picture photo answer alternative item number row line pair animation clip side figure
    panel column selection response corner half version variant in on at of st nd rd
    der die das den bild foto antwort auswahl wahl moeglichkeit möglichkeit wahlmöglichkeit antwortmöglichkeit nummer
    nr reihe zeile paar seite variante im le la les choix réponse numéro image opción elección imagen respuesta el
    opzione scelta risposta immagine il optie keuze antwoord afbeelding opção escolha resposta opcja wybór odpowiedź
    alternativ val svar bild valg billede вариант ответ выбор картинка 选项 选择 選項 选 图 图片 圖 答案 選択肢 画像
    答え 回答 番 보기 선택 답 번 그림 विकल्प उत्तर خيار الخيار إجابة صورة
"""
# The first and the second choice by their place.
_FIRST = """
    top upper first oben obere oberer oberes oberen erste erster erstes ersten premier première haut primera primero
    arriba prima primo alto eerste boven
"""
_SECOND = """
    bottom lower second two unten untere unterer unteres unteren zweite zweiter zweites zweiten zwei deuxième bas deux
    segunda segundo abajo seconda secondo basso tweede onder
"""
# Count only where nothing else names a choice: "top right" is the first.
_WEAK = {"left": "1", "links": "1", "gauche": "1", "right": "2", "rechts": "2", "droite": "2"}
_NOTHING = re.compile(
    fold(
        r"\b(neither|none|both|unsure|not sure|undecided|unclear|unknown|skip\w*|missing|null|nan|n/?a|prefer not"
        r"|no idea|no answer|no response|don'?t know|do not know|dont know|can'?t (?:tell|say)|cannot (?:tell|say)|idk"
        r"|keine?s?|beides?|unsicher|unklar|weiß nicht|weiss nicht|keine angabe|aucune?|les deux|ne sais pas"
        r"|ninguna|ninguno|ambas|ambos|no sé|nessuna|nessuno|entrambi|non so|geen|beide|weet niet|nenhuma|nenhum"
        r"|não sei|żadna|nie wiem|vet inte|ved ikke|ingen|не знаю)\b"
        r"|不知道|都不|两者|わからない|分からない|どちらも|모르겠|لا أعرف|पता नहीं"
    )
)
_NEGATIVE = re.compile(r"^[^\w\-\u2010-\u2015\u2212]*[-\u2010-\u2015\u2212]\s*\d|\s[-\u2010-\u2015\u2212]\d")
_FOREIGN_SIGNS = re.compile(r"[?~<>&+/\\%=\u2044\u00b1\u2248\u2260]")  # a fraction, a guess, a sum
_NUMBER_SIGN = re.compile(r"\b(?:no|nr|n)[.\u00ba\u00b0]\s*(?=\d)")
_TOKEN = re.compile(r"(?P<code>\b[a-z]{1,3}0*\d\b)|(?P<number>\d+(?:[.,]\d+)?)|(?P<word>[^\W\d_]+)")
_DESCRIBED = re.compile(r"(?P<name>.{1,24}?)(?:[.:)\]]|\s[-\u2013\u2014])\s+(?P<description>\S.*)$", re.DOTALL)


@lru_cache(maxsize=10_000)
def parse_choice(text: str, labels: frozenset[str] = frozenset()) -> str | None:
    """Return the number of the choice that a text names, counted from "1"; None if it names none, or several.

    Texts such as "1", "B", "Choice 2", "AO02", "top right", or "A: what it shows". `labels` are further words, folded,
    that may stand beside the name.
    """
    folded = _NUMBER_SIGN.sub("", fold(text[: MAX_LENGTH + 1]))
    if len(folded) > MAX_LENGTH or _NEGATIVE.search(folded):
        return None
    if (found := _named(folded, labels)) is not None:
        return found
    if not (match := _DESCRIBED.match(folded)) or (found := _named(match["name"], labels)) is None:
        return None
    others = _mentions(match["description"], labels)[0] - {found}
    return None if others or names_nothing(match["description"]) else found


def _named(folded: str, labels: frozenset[str]) -> str | None:
    """Return the choice that a folded text names, if it consists of nothing but that name."""
    strong, weak, others = _mentions(folded, labels)
    chosen = strong or weak
    return chosen.pop() if len(chosen) == 1 and not others and not _FOREIGN_SIGNS.search(folded) else None


def _mentions(folded: str, labels: frozenset[str]) -> tuple[set[str], set[str], int]:
    """Return the choices that a text mentions, those that it may mention, and the number of other words."""
    strong: set[str] = set()
    weak: set[str] = set()
    others = numbers = 0
    for token in _TOKEN.finditer(folded):
        word = token.group()
        if token["code"]:
            strong.add(word[-1])
        elif token["number"]:
            value = float(word.replace(",", "."))
            numbers += 1
            others += value > 9 or value != int(value) or numbers > 1
            strong.add(str(int(min(value, 1e9))))
        elif word in _words(_FIRST):
            strong.add("1")
        elif word in _words(_SECOND):
            strong.add("2")
        elif word in _WEAK:
            weak.add(_WEAK[word])
        elif len(word) == 1 and word in _LETTERS and re.match(r"\s*($|[^\w\s])", folded[token.end() :]):
            strong.add(str(_LETTERS.index(word) + 1))
        else:
            weak |= {"1"} if word == "one" and "the" not in folded else set()
            others += word not in _words(_LABELS) and word not in labels
    return strong, weak, others


def names_nothing(text: str) -> bool:
    """Return True for a text that stands for no answer: "neither", "I do not know", "-1", "?"."""
    return is_missing_code(text) or bool(_NOTHING.search(fold(text)))


def is_missing_code(text: str) -> bool:
    """Return True for a cell of signs alone or with a negative number: services write them for no answer."""
    return not any(c.isalnum() for c in text) or bool(
        re.fullmatch(r"\W*[-\u2010-\u2015\u2212]\s*\d+(?:[.,]0+)?\W*", text)
    )


def is_right(
    answer: str, right: str, choices: int = 2, *, least: int = 0, labels: frozenset[str] = frozenset()
) -> bool | None:
    """Return True if the answer is the right one; None if it names none of the choices and counts as missing.

    answer, right  texts; `right` may be a choice's own text or a service's code, for which anything else that is an
                   answer is another choice
    choices        number of choices
    least          number of the first choice, 0 or 1
    labels         words that may stand beside the name of a choice, folded
    """
    if fold(answer) == fold(right):
        return True
    right_choice = parse_choice(right, labels)
    if right_choice is None or int(right_choice) > choices:
        return None if names_nothing(answer) else False
    choice = parse_choice(answer, labels)
    return None if choice is None or not least <= int(choice) <= choices else choice == right_choice


def marker(key: StudyKey) -> Callable[[str, str], bool | None]:
    """Return `is_right` for the choices of a study: our own are numbered from 1, and named in its texts."""
    texts = key.made_with.get("settings", {})
    texts = texts.get("texts", {}) if isinstance(texts, dict) else {}
    words = texts.get("words", {}) if isinstance(texts, dict) else {}
    named = str(words.get("choice", "")) if isinstance(words, dict) else ""
    labels = frozenset(re.findall(r"[^\W\d_]+", fold(named.replace("{n}", " "))))
    mark = partial(is_right, choices=round(1 / key.chance), least=1 if key.study else 0, labels=labels)
    return lru_cache(maxsize=10_000)(mark)
