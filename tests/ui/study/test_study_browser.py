# SPDX-License-Identifier: MIT
"""A participant's session in a real Chromium without network, from the first page by keyboard to a scored result.

Slow, and skipped if there is no Chromium.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from latent_explorer.common.jobs import run_job
from latent_explorer.studies.build.answer_key import StudyKey
from latent_explorer.studies.build.folder_writer import draw, new_study_folder
from latent_explorer.studies.build.plan import Arm, AttributeInfo, StudySettings, make_plan
from latent_explorer.studies.build.question_image import drawn
from latent_explorer.studies.scoring.score_files import score_files

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
    # Playwright's own event loop, closed by its garbage collection
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync")  # fmt: skip
PHONE = {"width": 390, "height": 844}


def source(name: str) -> np.ndarray:
    """Return a picture of coloured noise, the same for the same name."""
    rng = np.random.default_rng(int(name))
    return np.kron(rng.integers(40, 220, (8, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def changed(image: np.ndarray, attribute: str) -> np.ndarray:
    """Brighten a quarter of the picture, a different one for each attribute."""
    out, n = image.copy(), int(attribute[1:])
    out[32 * (n // 2) :, 32 * (n % 2) :][:32, :32] = 255
    return out


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[StudyKey, Path]:
    folder = tmp_path_factory.mktemp("study") / "study"
    settings = StudySettings(attributes=3, items=1, verbal_items=1, catch=1, tile=128, seed=2)
    infos = tuple(AttributeInfo(f"a{n}", f"quarter {n}") for n in range(3))
    plan = make_plan(settings, [Arm("only", infos)], [[str(i) for i in range(30)]])
    with new_study_folder(folder, plan, {}) as pack:
        for item in plan.items:
            before = [source(tile.source) for tile in item.tiles]
            after = [
                drawn(b, t.effect) if t.effect else changed(b, t.attribute)
                for b, t in zip(before, item.tiles, strict=True)
            ]
            pack.add(item, draw(item, list(zip(before, after, strict=True)), settings))
        key = pack.finish()
    return key, folder


@contextlib.contextmanager
def browser_on(folder: Path, profile: Path, **options) -> Iterator[object]:
    """Yield a page on the study in a browser with its own profile; any network request fails the test."""
    from playwright.sync_api import sync_playwright

    asked, errors = [], []
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=CHROMIUM, args=list(ARGUMENTS), accept_downloads=True, **options
        )
        try:
            page = context.pages[0]
            page.on("request", lambda r: asked.append(r.url))
            page.on("requestfailed", lambda r: errors.append(f"failed: {r.url}"))
            page.on("pageerror", lambda e: errors.append(str(e)))
            page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
            page.goto((folder / "participants" / "index.html").as_uri())
            yield page
        finally:
            context.close()
    assert not errors
    assert {url.split(":")[0] for url in asked} <= {"file", "blob"}


def begin(page) -> None:
    """Give consent and start, by keyboard."""
    assert page.locator("#start").is_disabled()
    for key in ("Tab", "Space", "Tab", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector("#go")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#next")


def shown_item(page, key: StudyKey):
    """Return the question on the page, recognized by its picture."""
    image = page.locator(".tile").first.evaluate("e => e.style.backgroundImage")
    name = image.split("/")[-1].rstrip('")')
    state = page.locator(".tile").first.evaluate("e => e.dataset.shows")
    assert state in ("moving", "before", "after")
    stills = page.evaluate("JSON.parse(document.getElementById('study').textContent).parts")
    for part in stills:
        for item in [*part["items"], part["practice"]]:
            if name in (Path(item[s]).name for s in ("moving", "before", "after")):
                return next(i for i in key.items if i.item == item["id"])
    raise AssertionError(name)


def answer_choice(page, key: StudyKey, wrong: bool = False) -> None:
    item = shown_item(page, key)
    choice = item.right if not wrong else ("2" if item.right == "1" else "1")
    page.keyboard.press(choice)
    assert page.locator("input[type=radio]:checked").get_attribute("value") == choice
    page.keyboard.press("Enter")


def place(page) -> str:
    return page.locator("#place").inner_text()


# One journey, told in its order.
def test_a_participants_journey_by_keyboard(study, tmp_path) -> None:  # noqa: PLR0915
    key, folder = study
    with browser_on(folder, tmp_path / "profile", viewport={"width": 1280, "height": 800}) as page:
        begin(page)
        page.keyboard.press("Enter")  # nothing is chosen yet
        assert "Choose one" in page.locator("#said").inner_text()
        answer_choice(page, key, wrong=True)  # practice
        assert "Not quite" in page.locator("#feedback").inner_text()
        answer_choice(page, key)
        assert "Yes" in page.locator("#feedback").inner_text()
        page.keyboard.press("Enter")
        assert place(page) == "Question 1 of 7"
        page.keyboard.press("ArrowRight")
        assert page.locator("input[type=radio]:checked").get_attribute("value") == "2"
        page.keyboard.press("ArrowLeft")
        assert page.locator("input[type=radio]:checked").get_attribute("value") == "1"
        answer_choice(page, key)
        page.keyboard.press("p")  # pause: the picture stands, and can be turned by hand
        assert page.locator(".tile").first.evaluate("e => e.dataset.shows") == "before"
        page.click("#flip")
        assert page.locator(".tile").first.evaluate("e => e.dataset.shows") == "after"
        answer_choice(page, key, wrong=True)
        assert place(page) == "Question 3 of 7"
    # the browser is closed in the middle, and opened again
    with browser_on(folder, tmp_path / "profile", viewport={"width": 1280, "height": 800}) as page:
        assert place(page) == "Question 3 of 7"
        assert "Welcome back" in page.locator("#said").inner_text()
        page.reload()
        assert place(page) == "Question 3 of 7"
        answer_choice(page, key)
        answer_choice(page, key)
        page.wait_for_selector("#go")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.type("gets darker")  # practice; the field has the focus
        page.keyboard.press("Enter")
        assert "darker" in page.locator("#feedback").inner_text()
        page.keyboard.press("Enter")
        for number in (5, 6, 7):
            assert place(page) == f"Question {number} of 7"
            page.keyboard.type("p1 =brighter, <b>corner</b>")  # keys of the page are letters here
            page.keyboard.press("Enter")
        assert page.locator("h1").inner_text() == "Thank you"
        with page.expect_download() as download:
            page.click("#download")
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        copied = json.loads(page.locator("#answers").input_value())
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found == copied
    check_answers(found, key)
    scored = run_job(score_files([path], folder / "key.json", tmp_path / "result")).score
    assert (scored.respondents, scored.respondents_read) == (1, 1)
    classified = [a for a in found["answers"] if a["answer"] in ("1", "2")]
    right = {i.item: i.right for i in key.items if i.role == "item"}
    expected = [a["answer"] == right[a["item"]] for a in classified if a["item"] in right]
    assert (scored.overall.score.right, scored.overall.score.n) == (sum(expected), 3)
    assert {v.modal.stem for v in scored.verbal} == {"b"}  # of "brighter", "corner", "b" the first
    assert (tmp_path / "result" / "report.html").is_file()


def check_answers(found: dict, key: StudyKey) -> None:
    """Check the contents of a file with answers."""
    asked = {i.item for i in key.items if i.role != "practice"}
    assert found["study"] == key.study
    assert found["complete"] is True
    assert {a["item"] for a in found["answers"]} == asked
    assert sorted(a["position"] for a in found["answers"]) == list(range(1, 8))
    assert all(0 < a["choice_ms"] <= a["ms"] < 60_000 for a in found["answers"])
    assert len(found["practice"]) == 2
    assert found["started"] < found["finished"]


def test_on_a_phone_with_less_motion(study, tmp_path) -> None:
    """By touch; the pictures are still until asked to move, and nothing is wider than the screen."""
    key, folder = study
    options = {
        "viewport": PHONE,
        "is_mobile": True,
        "has_touch": True,
        "reduced_motion": "reduce",
        "device_scale_factor": 2,
    }
    with browser_on(folder, tmp_path / "profile", **options) as page:
        page.tap("#agree")
        page.tap("#start")
        page.tap("#go")
        page.wait_for_selector(".tile")
        assert page.locator(".tile").first.evaluate("e => e.dataset.shows") == "before"
        assert page.locator("#pause").inner_text() == "Play"
        for _ in range(40):
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            if page.locator("#download").count():
                break
            if page.locator("#go").count():
                page.tap("#go")
            elif page.locator("#words").count():
                page.fill("#words", "corner")
                page.tap("#next")
            else:
                right = shown_item(page, key).right
                if page.locator("#feedback").count() == 0:
                    page.tap(f".choice >> nth={int(right) - 1}")
                page.tap("#next")
        with page.expect_download() as download:
            page.tap("#download")
        download.value.save_as(tmp_path / "answers.json")
        # another person on the same phone
        page.on("dialog", lambda dialog: dialog.accept())
        page.tap("#again")
        assert page.locator("#agree").count() == 1
    found = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    check_answers(found, key)
    assert found["reduced_motion"] is True
    scored = run_job(score_files([tmp_path / "answers.json"], folder / "key.json", tmp_path / "result")).score
    assert scored.overall.score.accuracy == 1.0


def test_the_page_speaks_to_screen_readers(study, tmp_path) -> None:
    _, folder = study
    with browser_on(folder, tmp_path / "profile", viewport={"width": 1280, "height": 800}) as page:
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.evaluate("document.activeElement.tagName") == "H1"
        begin(page)
        assert page.evaluate("document.activeElement.tagName") == "H1"  # each page begins with its question
        assert page.get_by_role("radiogroup", name="Which choice changes").count() == 1
        assert page.get_by_role("radio", name="Choice 1").count() == 1
        assert page.get_by_role("img", name="Example 2: a picture that changes").count() == 1
        assert page.get_by_role("status").count() == 1
        assert page.get_by_role("button", name="Pause").count() == 1
        unnamed = page.evaluate(
            "[...document.querySelectorAll('button, input, textarea')].filter(e => !(e.innerText || "
            "e.getAttribute('aria-label') || e.labels?.length)).length"
        )
        assert unnamed == 0


def test_on_paper_every_question_stands_with_both_states(study, tmp_path) -> None:
    key, folder = study
    with browser_on(folder, tmp_path / "profile", viewport={"width": 1000, "height": 800}) as page:
        page.goto((folder / "participants" / "index.html").as_uri() + "#paper")
        page.wait_for_selector(".paper section")
        asked = [i.item for i in key.items if i.role != "practice"]
        assert page.locator(".paper section").count() == len(asked)
        assert page.locator(".paper img").count() == 2 * len(asked)
        page.wait_for_function("[...document.images].every(i => i.complete && i.naturalWidth)")
        assert page.locator("main").is_hidden()
        assert len(page.pdf()) > 10_000


def test_stopping_early_gives_an_unfinished_file(study, tmp_path) -> None:
    key, folder = study
    with browser_on(folder, tmp_path / "profile", viewport={"width": 1280, "height": 800}) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        begin(page)
        answer_choice(page, key)
        page.keyboard.press("Enter")
        answer_choice(page, key)
        page.get_by_role("button", name="Stop here").click()
        with page.expect_download() as download:
            page.click("#download")
        download.value.save_as(tmp_path / "answers.json")
    assert json.loads((tmp_path / "answers.json").read_text())["complete"] is False
    scored = run_job(score_files([tmp_path / "answers.json"], folder / "key.json", tmp_path / "result")).score
    assert (scored.respondents, scored.respondents_read) == (0, 1)
