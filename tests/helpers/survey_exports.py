# SPDX-License-Identifier: MIT
"""An invented study: 54 respondents with known answers, and how survey services would export them."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field

from latent_explorer.studies.build.answer_key import KeyItem, StudyKey
from latent_explorer.studies.scoring.rules import Rules

ARMS = ("ours", "baseline")
ATTRIBUTES = ("brown spots", "edge browning", "yellowing", "holes")
SKILL = {"ours": (0.95, 0.9, 0.8, 0.7), "baseline": (0.85, 0.6, 0.55, 0.15)}  # of each attribute
PHRASES = {
    "brown spots": ("brown spots appear", "spots", "a brown spot grows", "more spots, darker"),
    "edge browning": ("edges turn brown", "the edge is brown", "brown edges", "border browns"),
    "yellowing": ("yellowing", "gets yellow", "yellow leaf", "lighter colour"),
    "holes": ("holes", "a hole appears", "hole in the leaf", "something missing"),
}
COUNT = 54
ALL_WHO_FINISHED = Rules(exclude=("preview", "duplicate", "unfinished"))  # these COUNT, whether they looked or not


@dataclass
class Person:
    """One row of an export."""

    name: str
    answers: dict[str, str] = field(default_factory=dict)
    finished: bool = True
    preview: bool = False
    seconds: int = 300


def make_key() -> StudyKey:
    """Two arms of four attributes with three questions each, a verbal question each, and two catch trials."""
    rng = random.Random(5)
    items = [
        KeyItem(
            item=f"{rng.getrandbits(40):010x}", kind="classification", arm=arm, attribute=attribute,
            distractor=ATTRIBUTES[(a + r + 1) % 4], right=rng.choice("12"), slot=4 * r + a,
        )
        for arm in ARMS
        for a, attribute in enumerate(ATTRIBUTES)
        for r in range(3)
    ]  # fmt: skip
    items += [
        KeyItem(item=f"{rng.getrandbits(40):010x}", kind="classification", role="catch", right=right) for right in "12"
    ]
    items += [
        KeyItem(item=f"{rng.getrandbits(40):010x}", kind="verbal", arm=arm, attribute=attribute)
        for arm in ARMS
        for attribute in ATTRIBUTES
    ]
    return StudyKey(study="abc123abc123", items=tuple(items), arms=ARMS, paired=True)


def other(right: str) -> str:
    return "2" if right == "1" else "1"


def make_people(key: StudyKey) -> list[Person]:
    """54 who finished, and those who must not count: a preview, a double, three who stopped, one blank row."""
    rng = random.Random(7)
    people = [_person(key, f"R_{i:03d}", rng) for i in range(COUNT)]
    preview = _person(key, "R_preview", rng)
    preview.preview = True
    double = Person("R_010", dict(list(people[10].answers.items())[:9]))
    stopped = [_person(key, f"R_stopped{i}", rng) for i in range(3)]
    for i, person in enumerate(stopped):
        person.finished = False
        person.answers = dict(list(person.answers.items())[: 5 * (i + 1)])
    blank = Person("R_blank", finished=False)
    return [preview, *people[:20], double, *people[20:], *stopped, blank]


def _person(key: StudyKey, name: str, rng: random.Random) -> Person:
    person = Person(name, seconds=rng.randint(150, 900))
    for item in key.items:
        if item.kind == "verbal":
            person.answers[item.item] = rng.choice(PHRASES[item.attribute])
            continue
        skill = 0.97 if item.role == "catch" else SKILL[item.arm][ATTRIBUTES.index(item.attribute)]
        right = rng.random() < skill
        person.answers[item.item] = item.right if right else other(item.right)
    return person


def written(rows: list[list[str]], *, sep: str = ",", bom: bool = True, encoding: str = "utf-8") -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=sep).writerows(rows)
    text = buffer.getvalue()
    return (("\ufeff" if bom else "") + text).encode(encoding)


def qualtrics(key: StudyKey, people: list[Person], *, sep: str = ",", codes: bool = True) -> bytes:
    """Three header rows, quoted newlines, previews, unfinished rows. `codes`: questions keep our ids in their text."""
    about = ["StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration (in seconds)", "Finished",
             "RecordedDate", "ResponseId", "DistributionChannel", "UserLanguage"]  # fmt: skip
    words = ["Start Date", "End Date", "Response Type", "IP Address", "Progress", "Duration (in seconds)", "Finished",
             "Recorded Date", "Response ID", "Distribution Channel", "User Language"]  # fmt: skip
    names = [f"Q{i + 1}" for i in range(len(key.items))]
    texts = [f"Look at the picture.\n\nWhich one is it?{f' (q{i.item})' if codes else ''}" for i in key.items]
    imports = ['{"ImportId":"' + name + '"}' for name in [*about, *names]]
    rows = [
        ["2026-03-01 10:00:00", "2026-03-01 10:09:00", "Survey Preview" if p.preview else "IP Address", "*******",
         "100" if p.finished else "41", str(p.seconds), str(p.finished), "2026-03-01 10:09:01", p.name,
         "preview" if p.preview else "anonymous", "EN"]
        + [_qualtrics_cell(p.answers.get(i.item, ""), i) for i in key.items]
        for p in people
    ]  # fmt: skip
    rows = [about + names, words + texts, imports, *rows]
    return written(rows, sep=sep)


def _qualtrics_cell(answer: str, item: KeyItem) -> str:
    if item.kind == "verbal":
        return answer.replace(", ", ",\n") if answer else ""
    return {"1": "A", "2": "B", "": ""}[answer]


def google_forms(key: StudyKey, people: list[Person]) -> bytes:
    """One header row of question texts; no ids, and nothing says who finished."""
    rows = [["Timestamp", *(f"Which choice? (q{i.item})" for i in key.items)]]
    for p in people:
        cells = [_worded(p.answers.get(i.item, ""), i, "Choice {}") for i in key.items]
        rows.append(["2026/03/01 10:09:00 AM GMT+1", *cells])
    return written(rows, bom=False)


def lime_survey(key: StudyKey, people: list[Person]) -> bytes:
    """Semicolons; unfinished rows have no date of submission."""
    about = ["Response ID", "Date submitted", "Last page", "Start language", "Seed", "Date started", "Total time"]
    rows = [about + [f"q{i.item}" for i in key.items]]
    for p in people:
        date = "2026-03-01 10:09:00" if p.finished else ""
        cells = [_worded(p.answers.get(i.item, ""), i, "{}") for i in key.items]
        rows.append([p.name, date, "3", "en", "77", "2026-03-01 10:00:00", f"{p.seconds}.25", *cells])
    return written(rows, sep=";")


def survey_monkey(key: StudyKey, people: list[Person]) -> bytes:
    """Two header rows; UTF-16 as its Unicode export."""
    about = ["Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address"]
    kinds = ["Response" if i.kind == "classification" else "Open-Ended Response" for i in key.items]
    rows = [about + [f"Which choice? (q{i.item})" for i in key.items], [""] * len(about) + kinds]
    for p in people:
        cells = [_worded(p.answers.get(i.item, ""), i, "Option {}") for i in key.items]
        rows.append([p.name, "44", "03/01/2026 10:00:00 AM", "03/01/2026 10:09:00 AM", "", "", *cells])
    return written(rows, sep="\t", bom=False, encoding="utf-16")


def _worded(answer: str, item: KeyItem, pattern: str) -> str:
    return answer if item.kind == "verbal" or not answer else pattern.format(answer)
