# SPDX-License-Identifier: MIT
"""The questions of a user study and their order, as plain values. Nothing is rendered or written here.

Two kinds of question, after Lang et al. (StylEx, 2021) and Wu et al. (StyleSpace, 2021). *Classification* tests
coherence: two examples of a change, and which of two further pictures shows the same change. *Verbal* tests
distinctness: what changes, in one to four words. The defaults are the numbers of the published studies (section F.1 of
the reference).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal

import msgspec

from latent_explorer.common.errors import UserError
from latent_explorer.studies.build.texts import StudyTexts

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["classification", "verbal"]
Role = Literal["item", "catch", "practice"]
TILES = 4  # pictures in a question
EFFECTS = ("dark", "frame", "blue", "bar")  # drawn on the picture, for practice and catch trials
MAX_ITEMS = 400  # questions of one study


class StudySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a study. Equal settings of equal models give the same study, byte for byte."""

    kinds: tuple[Kind, ...] = ("classification", "verbal")
    attributes: int = 6  # of each arm, best first; published: 6
    items: int = 3  # classification questions per attribute; published: 3
    verbal_items: int = 1  # verbal questions per attribute; published: 1
    catch: int = 2  # obvious questions, to find participants who do not look; published: none
    practice: bool = True  # one question of each kind with feedback before it counts
    reach: float = 1.0  # of the way to the observed end (kappa); published: 1
    seed: int = 0
    tile: int = 512  # px, side of a picture in a question; published: 512
    seconds: float = 0.75  # that each frame of a classification question is shown; published: 0.75
    verbal_seconds: float = 1.0  # the same for a verbal question; published: 1.0
    texts: StudyTexts = StudyTexts()

    def frame_seconds(self, kind: Kind) -> float:
        """Return the seconds that each frame of a question of this kind is shown."""
        return self.verbal_seconds if kind == "verbal" else self.seconds

    def check(self) -> None:
        """Raise UserError if no study can be made with these settings."""
        ranges = {
            "attributes": (self.attributes, 1, 50),
            "questions per attribute": (self.items, 1, 50),
            "verbal questions per attribute": (self.verbal_items, 1, 20),
            "catch trials": (self.catch, 0, 20),
            "width of a picture in pixels": (self.tile, 64, 1024),
            "seconds per frame": (self.seconds, 0.2, 5.0),
            "seconds per frame of a verbal question": (self.verbal_seconds, 0.2, 5.0),
            "size of the change": (self.reach, 0.05, 5.0),
            "seed": (self.seed, 0, 2**63 - 1),
        }
        for name, (value, low, high) in ranges.items():
            if not low <= value <= high:
                raise UserError(f"{value:g} is out of range for: {name}. Choose {low:g} to {high:g}.")
        if not self.kinds or len(set(self.kinds)) < len(self.kinds):
            raise UserError("A study asks at least one kind of question: classification, verbal, or both.")


class AttributeInfo(msgspec.Struct, frozen=True):
    """Attribute of a study: its identity, and the name that the result uses."""

    key: str
    name: str


class Arm(msgspec.Struct, frozen=True):
    """Explainer, method or set of attributes that a study compares with others."""

    name: str
    attributes: tuple[AttributeInfo, ...]


class Tile(msgspec.Struct, frozen=True):
    """Moving picture of a question: a source, and an attribute of the arm or an effect drawn on it."""

    source: str
    attribute: str = ""  # AttributeInfo.key
    effect: str = ""  # of EFFECTS


class Item(msgspec.Struct, frozen=True):
    """Question. Tiles of classification: example, example, choice 1, choice 2; `right` is "1" or "2"."""

    kind: Kind
    tiles: tuple[Tile, ...]
    role: Role = "item"
    arm: int = 0  # whose pictures; practice and catch belong to none in the result
    attribute: str = ""
    distractor: str = ""
    right: str = ""
    slot: int = -1  # items of several arms with one slot show the same sources


class StudyPlan(msgspec.Struct, frozen=True):
    """All questions in the order in which they are asked; practice questions come before their kind."""

    settings: StudySettings
    arms: tuple[Arm, ...]
    items: tuple[Item, ...]
    paired: bool  # True if the arms show the same source pictures


def make_plan(settings: StudySettings, arms: Sequence[Arm], pools: Sequence[Sequence[str]]) -> StudyPlan:
    """Compose the questions of a study.

    `pools` holds the source pictures of each arm; arms with equal pools are paired. Raises UserError if there are too
    few attributes or pictures.
    """
    settings.check()
    arms = [msgspec.structs.replace(a, attributes=a.attributes[: settings.attributes]) for a in arms]
    _check(settings, arms, pools)
    paired = len(arms) > 1 and all(list(pool) == list(pools[0]) for pool in pools)
    paired = paired and len({len(arm.attributes) for arm in arms}) == 1
    items: list[Item] = []
    for kind in ("classification", "verbal"):
        if kind in settings.kinds:
            items += _Part(settings, arms, pools, kind, paired).items()
    if len(items) > MAX_ITEMS:
        raise UserError(
            f"This study would ask {len(items)} questions; at most {MAX_ITEMS} can be asked. "
            "Choose fewer attributes or fewer questions per attribute."
        )
    return StudyPlan(settings, tuple(arms), tuple(items), paired)


def count_questions(settings: StudySettings, attributes: Sequence[int]) -> dict[str, int]:
    """Return the number of questions by kind and role, for arms with these numbers of attributes."""
    shown = [min(settings.attributes, n) for n in attributes]
    classified, verbal = (kind in settings.kinds for kind in ("classification", "verbal"))
    return {
        "classification": sum(shown) * settings.items * classified,
        "verbal": sum(shown) * settings.verbal_items * verbal,
        "catch": settings.catch * classified,
        "practice": len(settings.kinds) * settings.practice,
    }


def minutes_for(counts: dict[str, int]) -> float:
    """Estimate the minutes that a participant needs.

    12 s per choice, 25 s per description, 20 s per practice question, and 2 minutes of reading.
    """
    choices = counts["classification"] + counts["catch"]
    return 2 + (12 * choices + 25 * counts["verbal"] + 20 * counts["practice"]) / 60


def _check(settings: StudySettings, arms: Sequence[Arm], pools: Sequence[Sequence[str]]) -> None:
    if len(arms) != len(pools) or not arms:
        raise ValueError("every arm needs its source pictures")
    if len({arm.name for arm in arms}) < len(arms):
        raise UserError("Two sets have the same name. Give them different names.")
    least = 2 if "classification" in settings.kinds else 1
    for arm, pool in zip(arms, pools, strict=True):
        if len(arm.attributes) < least:
            raise UserError(
                f"{arm.name} offers {len(arm.attributes)} attributes, and the study needs {least}: "
                "each is the distractor of another. Find more attributes, or choose another class."
            )
        if len(pool) < TILES:
            raise UserError(
                f"{arm.name} offers {len(pool)} source pictures, and a question needs {TILES}. "
                "Choose another class or an explainer with more pictures."
            )


class _Sources:
    """Draws pictures from a pool; none is repeated before all were shown."""

    def __init__(self, pool: Sequence[str], rng: random.Random) -> None:
        self._pool, self._rng = list(pool), rng
        self._left: list[str] = []

    def draw(self) -> list[str]:
        """Return the pictures of one question, all different."""
        chosen: list[str] = []
        while len(chosen) < TILES:
            if not any(source not in chosen for source in self._left):
                fresh = [source for source in self._pool if source not in self._left]
                self._rng.shuffle(fresh)
                self._left += fresh
            at = next(i for i, source in enumerate(self._left) if source not in chosen)
            chosen.append(self._left.pop(at))
        return chosen


class _Part:
    """Questions of one kind."""

    def __init__(
        self, settings: StudySettings, arms: Sequence[Arm], pools: Sequence[Sequence[str]], kind: Kind, paired: bool
    ) -> None:
        self.settings, self.arms, self.kind, self.paired = settings, arms, kind, paired
        # One generator per purpose: more catch trials must not move the sides of the questions.
        self._rngs: dict[str, random.Random] = {}
        self._extra = _Sources(pools[0], self._rng("extra"))
        self._pools = [_Sources(p, self._rng("sources", i)) for i, p in enumerate(pools)]
        self.rounds = settings.items if kind == "classification" else settings.verbal_items

    def _rng(self, purpose: str, arm: int = 0) -> random.Random:
        key = f"{self.settings.seed}/{self.kind}/{purpose}/{0 if self.paired else arm}"
        return self._rngs.setdefault(f"{key}/{arm}", random.Random(key))

    def items(self) -> list[Item]:
        """Return the practice question, then the questions of all arms interleaved with the catch trials."""
        placed: list[tuple[float, Item]] = []
        shared = [self._pools[0].draw() for _ in range(self._count(0))] if self.paired else None
        for arm in range(len(self.arms)):
            questions = self._of_arm(arm, shared)
            rng = random.Random(self._salt("order", arm))
            # One place in every n-th part of 0..1, so that the questions of the arms are interleaved.
            placed += [
                ((i + rng.random()) / len(questions), item) for i, item in enumerate(self._sequence(questions, arm))
            ]
        if self.kind == "classification":
            catch = [self._drawn("catch", i) for i in range(self.settings.catch)]
            rng = self._rng("catch places")  # never at the very beginning or end
            at = [(i + 0.25 + rng.random() / 2) / len(catch) for i in range(len(catch))]
            placed += zip(at, catch, strict=True)
        practice = [self._drawn("practice", 0)] if self.settings.practice else []
        return practice + [item for _, item in sorted(placed, key=lambda pair: pair[0])]

    def _salt(self, purpose: str, arm: int) -> str:
        return f"{self.settings.seed}/{self.kind}/{purpose}/of arm {arm}"

    def _count(self, arm: int) -> int:
        return len(self.arms[arm].attributes) * self.rounds

    def _of_arm(self, arm: int, shared: list[list[str]] | None) -> list[Item]:
        """Return the arm's questions, round by round; each round shows every attribute once."""
        keys = [a.key for a in self.arms[arm].attributes]
        sources = shared or [self._pools[arm].draw() for _ in range(self._count(arm))]
        if self.kind == "verbal":
            return [
                Item("verbal", tuple(Tile(s, key) for s in sources[i]), "item", arm, key, slot=i)
                for i, key in enumerate(keys * self.rounds)
            ]
        pairs = distractors(len(keys), self.rounds, self._rng("distractors", arm))
        sides = balanced_sides(len(keys), self.rounds, random.Random(self._salt("sides", arm)))
        made = []
        for i, (at, other) in enumerate(pairs):
            right, a, b = sides[i], keys[at], keys[other]
            shown = [a, a, a, b] if right == "1" else [a, a, b, a]
            tiles = tuple(map(Tile, sources[i], shown))
            made.append(Item("classification", tiles, "item", arm, a, b, right, slot=i))
        return made

    def _sequence(self, items: list[Item], arm: int) -> list[Item]:
        """Shuffle the attributes within each round; rotate by arm, so that copies of one slot are far apart."""
        rng = self._rng("sequence", arm)
        each = len(self.arms[arm].attributes)
        out: list[Item] = []
        for start in range(0, len(items), each):
            part = items[start : start + each]
            rng.shuffle(part)
            out += part
        turn = arm * len(out) // len(self.arms)
        return out[turn:] + out[:turn]

    def _drawn(self, role: Role, number: int) -> Item:
        """Return a question whose changes are drawn on the picture and cannot be overlooked."""
        sources = self._extra.draw()
        if role == "practice":
            same, other, right = "dark", "frame", "2"
        else:
            start = number % len(EFFECTS)
            same, other = EFFECTS[start], EFFECTS[(start + 2) % len(EFFECTS)]
            right = self._rng("catch sides").choice(("1", "2"))
        if self.kind == "verbal":
            return Item("verbal", tuple(Tile(s, effect=same) for s in sources), role, arm=-1)
        shown = [same, same, same, other] if right == "1" else [same, same, other, same]
        tiles = tuple(Tile(s, effect=e) for s, e in zip(sources, shown, strict=True))
        return Item("classification", tiles, role, arm=-1, right=right)


def distractors(count: int, rounds: int, rng: random.Random) -> list[tuple[int, int]]:
    """Return (attribute, distractor) for every attribute in every round.

    Each attribute is the distractor once per round and never its own. The distractor is some steps further in a
    shuffled circle; the steps differ between rounds as long as there are unused ones.
    """
    circle = list(range(count))
    steps: list[int] = []
    out: list[tuple[int, int]] = []
    for _ in range(rounds):
        if not steps:
            rng.shuffle(circle)
            steps = list(range(1, count))
            rng.shuffle(steps)
        step = steps.pop()
        place = {attribute: i for i, attribute in enumerate(circle)}
        out += [(a, circle[(place[a] + step) % count]) for a in range(count)]
    return out


def balanced_sides(count: int, rounds: int, rng: random.Random) -> list[str]:
    """Return "1" or "2" for every attribute in every round, balanced for each attribute and over all."""
    odd = [("1", "2")[i % 2] for i in range(count)]
    rng.shuffle(odd)
    columns = []
    for extra in odd:
        column = ["1", "2"] * (rounds // 2) + [extra] * (rounds % 2)
        rng.shuffle(column)
        columns.append(column)
    return [columns[a][r] for r in range(rounds) for a in range(count)]
