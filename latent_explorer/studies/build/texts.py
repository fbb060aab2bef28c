# SPDX-License-Identifier: MIT
"""The words that participants read, and their defaults. A study can change each of them."""

from __future__ import annotations

import msgspec

CONSENT = """In this study you look at pictures that change back and forth, and say what you see. \
There are no trick questions: your first impression counts.

Taking part is voluntary. You can stop at any time by closing this page. The page stores your answers and the time \
that each took on this device only, until you send them yourself. It asks for no name and sends nothing over the \
network.

The pictures move slowly between two states, and you can pause them at any time."""

CLASSIFICATION = """Each question shows four pictures that change back and forth between before and after.

Two examples show the same kind of change. One of the two choices shows this change too, the other shows a different \
one. Choose the one that changes in the same way as the examples."""

VERBAL = """Each question shows four pictures that change back and forth between before and after. \
In all four the same thing changes.

Write in one to four words what changes from before to after."""

# The short words of the page, by the name that page.js knows them by. {n} and {total} are numbers.
WORDS = {
    "agree": "I have read this and want to take part",
    "start": "Start",
    "next": "Next",
    "continue": "Continue",
    "stop": "Stop here",
    "stop_sure": "Stop now? What you answered so far can still be sent.",
    "question": "Question {n} of {total}",
    "practice": "Practice question: it does not count",
    "examples": "Examples",
    "example": "Example {n}",
    "picture": "Picture {n}",
    "choice": "Choice {n}",
    "ask_choice": "Which choice changes in the same way as the examples?",
    "ask_words": "What changes from before to after?",
    "ask_words_hint": "One to four words",
    "changing": "a picture that changes back and forth",
    "pause": "Pause",
    "play": "Play",
    "show_before": "Before",
    "show_after": "After",
    "see_before": "Show before",
    "see_after": "Show after",
    "right": "Yes: that is the same change as in the examples.",
    "wrong": "Not quite: look again. The other choice shows the change of the examples.",
    "model_answer": "An answer could be: gets darker.",
    "first_choose": "Choose one of the two first.",
    "first_write": "Write a word or two first.",
    "keys": "Keys: 1 and 2 choose, Enter goes on, P pauses.",
    "keys_words": "Keys: Enter goes on.",
    "saved": "Your answers are kept on this device. You can close the page and go on later.",
    "not_saved": "This browser keeps nothing: please answer everything in one go.",
    "welcome_back": "Welcome back. You go on where you stopped.",
    "done": "Thank you",
    "download": "Download your answers",
    "or_copy": "Or copy this text and send it:",
    "copy": "Copy",
    "copied": "Copied.",
    "copy_failed": "The text is selected: copy it with Ctrl+C.",
    "again": "Begin again for another person",
    "again_sure": "Begin again? The answers on this page are deleted. Download them first.",
    "not_loaded": "A picture could not be loaded. Keep this page in the folder that it came in.",
}


class StudyTexts(msgspec.Struct, frozen=True, kw_only=True):
    """Longer texts; a blank line begins a paragraph. `words` replaces short words of the page by name."""

    title: str = "What changes in these pictures?"
    language: str = "en"  # for screen readers
    consent: str = CONSENT
    classification: str = CLASSIFICATION
    verbal: str = VERBAL
    thanks: str = "You have answered every question. One step is left: send the file with your answers back."
    contact: str = ""  # where to send the file, whom to ask
    words: dict[str, str] = {}

    def word(self, name: str) -> str:
        """Return one of the page's short words."""
        return self.words.get(name) or WORDS[name]
