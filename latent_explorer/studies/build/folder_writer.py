# SPDX-License-Identifier: MIT
"""The folder of a study: the participants' page and pictures, and beside it the key and the survey table.

    FOLDER/participants/            to be sent: index.html and pictures/, nothing of which tells an answer
    FOLDER/key.json                 what is right
    FOLDER/survey.csv               the questions for import into a survey service
    FOLDER/README.txt               what to do with these

Pictures are named by a hash of their own bytes: a name tells no more than the picture does. No rendering here.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer.common import guarded_json
from latent_explorer.common.paths import atomic_output_folder
from latent_explorer.studies.build.answer_key import KeyItem, StudyKey, write_key
from latent_explorer.studies.build.page import PICTURES, PageItem, PagePart, page, write_survey
from latent_explorer.studies.build.question_image import Pair, moving_gif, panel, still_gif, with_one_palette

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from latent_explorer.studies.build.plan import Item, StudyPlan, StudySettings

PARTICIPANTS = "participants"
README = """This folder holds a user study.

participants/   Send this folder, or put it on a web server. Nothing in it tells which answers are right.
                A double click on index.html opens the questionnaire; at the end it gives a JSON file to send back.
                index.html#paper shows every question on one page, for printing.
key.json        What is right, and what was asked. Keep it from participants.
survey.csv      The questions for a survey service, in the order asked, with the pictures to upload.
                Keep the code in brackets in each question's text: scoring finds the column by it.

Score the answers in the window (menu Study), or with
    latent-explorer study score ANSWERS... --key key.json --out RESULT
"""


@dataclass(frozen=True)
class RenderedItem:
    """Pictures of a question as GIF files, and how much each tile changes."""

    moving: bytes
    before: bytes
    after: bytes
    changes: tuple[float, ...]  # a tile


def draw(item: Item, pairs: Sequence[Pair], settings: StudySettings) -> RenderedItem:
    """Draw a question from its tiles, each (H, W, 3) uint8 before and after. Does not need torch."""
    frames = with_one_palette(panel(pairs, item.kind, settings.tile, settings.texts))
    changes = tuple(float(np.abs(a.astype(np.int16) - b).mean()) for b, a in pairs)
    return RenderedItem(
        moving_gif(frames, settings.frame_seconds(item.kind)), still_gif(frames[0]), still_gif(frames[1]), changes
    )


@contextlib.contextmanager
def new_study_folder(folder: Path, plan: StudyPlan, made_with: dict[str, Any]) -> Iterator[StudyFolderWriter]:
    """Yield a writer for the study in `folder`, which appears when the block ends without an error."""
    with atomic_output_folder(folder) as scratch:
        yield StudyFolderWriter(scratch, plan, made_with)


class StudyFolderWriter:
    """Writes the questions of a study one by one, and at the end the files that belong to all of them."""

    def __init__(self, folder: Path, plan: StudyPlan, made_with: dict[str, Any]) -> None:
        self._folder, self._plan, self._made_with = folder, plan, made_with
        self._made: list[tuple[Item, PageItem, RenderedItem]] = []
        self._ids: set[str] = set()
        self._pictures = folder / PARTICIPANTS / PICTURES
        self._pictures.mkdir(parents=True)

    def add(self, item: Item, drawn: RenderedItem) -> None:
        """Add the next question of the plan."""
        identity = self._identity(drawn.moving)
        moving, before, after = map(self._write, (drawn.moving, drawn.before, drawn.after))
        right = item.right if item.role == "practice" and item.right else None
        self._made.append((item, PageItem(identity, moving, before, after, right), drawn))

    def finish(self) -> StudyKey:
        """Write the page, the key, the survey table and the README. Returns the key."""
        digest = hashlib.sha256("".join(made.id for _, made, _ in self._made).encode())
        key = self._key(digest.hexdigest()[:12])
        settings = self._plan.settings
        text = page(key.study, self._parts(), settings)
        path = self._folder / PARTICIPANTS / "index.html"
        path.write_text(text, encoding="utf-8", newline="\n")
        write_key(self._folder / "key.json", key)
        write_survey(self._folder / "survey.csv", self._parts(), settings.texts)
        (self._folder / "README.txt").write_text(README, encoding="utf-8", newline="\n")
        return key

    def _identity(self, data: bytes) -> str:
        """Return ten hex digits of the picture's hash; a repeated picture is hashed again."""
        digest = hashlib.sha256(data).digest()
        while (identity := digest.hex()[:10]) in self._ids:
            digest = hashlib.sha256(digest).digest()
        self._ids.add(identity)
        return identity

    def _write(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()[:20] + ".gif"
        (self._pictures / name).write_bytes(data)
        return name

    def _parts(self) -> list[PagePart]:
        parts = []
        for kind in self._plan.settings.kinds:
            mine = [(item, made) for item, made, _ in self._made if item.kind == kind]
            practice = [made for item, made in mine if item.role == "practice"]
            questions = tuple(made for item, made in mine if item.role != "practice")
            parts.append(PagePart(kind, questions, practice[0] if practice else None))
        return parts

    def _key(self, study: str) -> StudyKey:
        plan = self._plan
        items = tuple(self._key_item(*made) for made in self._made)
        made_with = {"settings": plan.settings, **self._made_with}
        return StudyKey(
            study=study,
            items=items,
            arms=tuple(arm.name for arm in plan.arms),
            paired=plan.paired,
            language=plan.settings.texts.language,
            made_with=guarded_json.decode(msgspec.json.encode(made_with), dict[str, Any]),  # as it will be read
        )

    def _key_item(self, item: Item, made: PageItem, drawn: RenderedItem) -> KeyItem:
        arm = self._plan.arms[item.arm] if item.role == "item" else None
        names = {a.key: a.name for a in arm.attributes} if arm else {}
        return KeyItem(
            item=made.id,
            kind=item.kind,
            role=item.role,
            arm=arm.name if arm else "",
            attribute=names.get(item.attribute, ""),
            distractor=names.get(item.distractor, ""),
            right=item.right,
            slot=item.slot,
            change=round(float(np.mean(drawn.changes)), 3),
            details={
                "tiles": [msgspec.to_builtins(tile) for tile in item.tiles],
                "changes": [round(c, 3) for c in drawn.changes],
                "picture": f"{PARTICIPANTS}/{PICTURES}/{made.moving}",
            },
        )
