# SPDX-License-Identifier: MIT
"""Parts of the window by themselves: scaling, bars, plot, status, notices, error dialog."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from window_tools import colours_in

from latent_explorer.app.engine.failure import Failure
from latent_explorer.common.events import Progress
from latent_explorer.ui.application import make_application, print_timing, process_seconds
from latent_explorer.ui.canvas.live_plot import MAX_EDITS, ProbabilityPlot
from latent_explorer.ui.dialogs.about import AboutDialog
from latent_explorer.ui.dialogs.error import ErrorDialog
from latent_explorer.ui.dialogs.help import NoticesDialog
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, hint, plain
from latent_explorer.ui.widgets.image_view import CaptionedImage, ImageView
from latent_explorer.ui.widgets.notice_bar import NoticeBar
from latent_explorer.ui.widgets.probability_bars import MAX_ROWS, ClassProbabilities, ProbabilityBars, sentence
from latent_explorer.ui.widgets.probability_lines import drawn_classes
from latent_explorer.ui.widgets.scaling import difference, scaled, shown_side, to_qimage
from latent_explorer.ui.widgets.status_bar import Speed, job_text


@pytest.fixture(autouse=True)
def application(qtbot):
    make_application()
    theme.apply("light")


def picture(seed: int = 0, size: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)


def pixels(image) -> np.ndarray:
    """Convert a QImage to (H, W, 3) uint8."""
    rgb = image.convertToFormat(image.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3).copy()


# scaling


def test_scaling_is_lanczos_at_device_resolution():
    made = scaled(picture(), 40, 2.0, pixels=False)
    assert made.devicePixelRatio() == 2.0
    assert (made.width(), made.height()) == (80, 80)
    expected = Image.fromarray(picture()).resize((80, 80), Image.Resampling.LANCZOS)
    assert np.array_equal(pixels(made), np.asarray(expected))


def test_pixels_are_repeated_whole():
    side = shown_side(16, 40, 1.0, pixels=True)
    assert side == 32
    made = pixels(scaled(picture(), side, 1.0, pixels=True))
    assert np.array_equal(made, picture().repeat(2, 0).repeat(2, 1))


def test_qimage_round_trip_of_odd_widths():
    odd = picture()[:, :7]
    assert np.array_equal(pixels(to_qimage(odd)), odd)


def test_difference_is_grey_where_nothing_changed():
    before, after = picture(), picture()
    after[3, 4] = np.clip(after[3, 4].astype(int) + 10, 0, 255)
    change = difference(before, after)
    assert (np.delete(change.reshape(-1, 3), 3 * 16 + 4, 0) == 128).all()
    assert (change[3, 4] >= 128).all()


# the canvas


@pytest.fixture
def view(qtbot):
    made = ImageView()
    qtbot.addWidget(made)
    made.resize(840, 460)
    made.set_images(
        CaptionedImage(picture(1), "Reconstruction (before)", "healthy 0.90", 1),
        CaptionedImage(picture(2), "After", "diseased 0.60", 0),
    )
    return made


def test_an_unchanged_picture_is_scaled_once(view, monkeypatch):
    from latent_explorer.ui.widgets import image_view

    calls = []
    monkeypatch.setattr(image_view, "scaled", lambda *args, **options: calls.append(1) or scaled(*args, **options))
    for _ in range(4):
        view.grab()
    assert len(calls) == 2
    view.set_images(view.before, CaptionedImage(picture(3), "After"))
    view.grab()
    assert len(calls) == 3


def test_swipe_follows_mouse_and_keys(view):
    view.set_mode("swipe")
    frame = view.frames()[0]
    point = QPoint(round(frame.left() + 0.25 * frame.width()), round(frame.center().y()))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=point)
    assert view.split == pytest.approx(0.25, abs=0.01)
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.split == pytest.approx(0.30, abs=0.01)


def test_canvas_says_itself_to_screen_readers(view):
    assert view.accessibleDescription() == ("Reconstruction (before): healthy 0.90. After: diseased 0.60.")


def test_unknown_mode_is_refused(view):
    with pytest.raises(ValueError, match="sideways"):
        view.set_mode("sideways")


# the bars


def verdict(after, before, names=("diseased", "healthy"), target=0) -> ClassProbabilities:
    return ClassProbabilities(tuple(names), np.array(after), np.array(before), target)


def test_sentence_tells_a_flip():
    said = sentence(verdict([0.91, 0.09], [0.12, 0.88]))
    assert said == ("Flipped from healthy to diseased: diseased 0.91 (was 0.12), healthy 0.09 (was 0.88).")
    assert sentence(verdict([0.2, 0.8], [0.1, 0.9])).startswith("Still healthy")
    unedited = sentence(verdict([0.2, 0.8], [0.2, 0.8]))
    assert unedited.startswith("The classifier says healthy: diseased 0.20, healthy 0.80.")


def test_many_classes_show_target_and_strongest():
    names = [f"class {i}" for i in range(50)]
    probs = np.full(50, 0.01)
    probs[[7, 20]] = 0.3, 0.2
    rows = verdict(probs, probs, names, target=33).rows()
    assert rows[:3] == [33, 7, 20]
    assert len(rows) == MAX_ROWS
    assert "46 more classes" in sentence(verdict(probs, probs, names, target=33))


def test_bars_are_painted_and_grow_with_their_rows(qtbot):
    bars = ProbabilityBars()
    qtbot.addWidget(bars)
    bars.resize(600, 120)
    bars.show_verdict(verdict([0.9, 0.1], [0.2, 0.8]))
    two = bars.sizeHint().height()
    assert colours_in(bars) > 3
    bars.show_verdict(verdict([0.5, 0.3, 0.2], [0.1, 0.1, 0.8], "abc"))
    assert bars.sizeHint().height() > two
    bars.show_verdict(None)
    assert bars.text.text() == ""


# the plot


@pytest.fixture
def plot(qtbot):
    made = ProbabilityPlot()
    qtbot.addWidget(made)
    made.resize(600, 110)
    made.start(("diseased", "healthy"))
    return made


def test_plot_draws_a_line_a_class(plot):
    empty = colours_in(plot)
    for step in range(20):
        plot.add(np.array([step / 20, 1 - step / 20]))
    assert len(plot.probs) == 20
    image = plot.grab().toImage()
    seen = {image.pixelColor(x, y).name() for x in range(600) for y in range(110)}
    assert {color.lower() for color in theme.LIGHT.classes[:2]} <= seen
    assert colours_in(plot) > empty


def test_plot_breaks_where_the_picture_changes(plot):
    plot.add(np.array([0.2, 0.8]))
    plot.lift()
    plot.lift()
    plot.add(np.array([0.9, 0.1]))
    np.testing.assert_array_equal(plot.probs[:, 0], [0.2, np.nan, 0.9])
    assert colours_in(plot) > 4


def test_plot_keeps_the_newest_edits(plot):
    for step in range(2 * MAX_EDITS):
        plot.add(np.array([step, 0.0]))
    assert plot.probs[[0, -1], 0].tolist() == [MAX_EDITS, 2 * MAX_EDITS - 1]


def test_only_the_classes_that_matter_are_drawn():
    probs = np.linspace(0, 1, 30)
    assert drawn_classes(probs[None] / probs.sum()) == list(range(22, 30))


def test_plot_wears_the_theme(plot):
    theme.apply("dark")
    corner = plot.grab().toImage().pixelColor(plot.width() - 2, 2)
    assert corner.name() == theme.DARK.paper.lower()


# status and notices


def test_job_words():
    assert job_text("Opening leaf", None) == "Opening leaf..."
    assert job_text("Finding", Progress(1, 3, "Screening")) == "Screening 33 %"


def test_speed_counts_the_last_second(qtbot):
    now = iter([0.0, 0.02, 0.04, 0.06, 0.08, 0.10])
    speed = Speed(lambda: next(now))
    qtbot.addWidget(speed)
    for _ in range(4):
        speed.count(0.012)
    assert speed.text() == "12 ms"
    speed.count(0.012)
    assert speed.text() == "50 pictures/s, 12 ms"


def test_notice_with_a_button(qtbot):
    bar = NoticeBar()
    qtbot.addWidget(bar)
    done = []
    bar.show_message("Go on where you were?", action="Go on", on_action=lambda: done.append(1))
    assert bar.isVisible()
    assert not bar._timer.isActive()  # a question waits for its answer
    bar.button.click()
    assert done == [1]
    assert not bar.isVisible()
    bar.show_message("Saved leaf.png.", action="Show in folder", on_action=lambda: None, passing=True)
    assert bar._timer.isActive()  # news goes by itself


# dialogs


def test_error_dialog_folds_and_copies(qtbot):
    failure = Failure("leaf.explainer is damaged. Fetch it again.", "Traceback\nValueError", "user")
    dialog = ErrorDialog(failure, "Opening leaf.explainer")
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.details.isVisible()
    dialog.fold.click()
    assert dialog.details.isVisible()
    dialog.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "Opening leaf.explainer did not work" in copied
    assert "Fetch it again" in copied
    assert "ValueError" in copied


def test_names_from_files_are_no_html(qtbot):
    """Check that Qt does not take them for HTML, which could load pictures from anywhere."""
    evil = '<img src="/etc/hostname">leaf</img>'
    for made in (plain, hint, ElidedLabel):
        label = made(evil)
        qtbot.addWidget(label)
        assert label.textFormat() == Qt.TextFormat.PlainText


def test_notices_dialog_lists_newest_first(qtbot):
    dialog = NoticesDialog([("info", "one"), ("error", "two")])
    qtbot.addWidget(dialog)
    assert [dialog.list.item(i).text() for i in range(2)] == ["two", "one"]
    nothing = NoticesDialog([])
    qtbot.addWidget(nothing)
    assert nothing.list.isHidden()


def test_about_names_the_model(qtbot):
    from fake_explainer import FakeExplainer

    dialog = AboutDialog(FakeExplainer().summary())
    qtbot.addWidget(dialog)
    assert colours_in(dialog) > 5


def test_about_shows_the_note_of_a_file_as_text(qtbot):
    from fake_explainer import FakeExplainer

    dialog = AboutDialog(FakeExplainer(note="<h1>Watch</h1> the ground.").summary())
    qtbot.addWidget(dialog)
    (label,) = [w for w in dialog.findChildren(QLabel) if "the ground" in w.text()]
    assert label.textFormat() == Qt.TextFormat.PlainText


# timing


def test_timing_is_said_only_when_asked(capsys, monkeypatch):
    print_timing("window_visible")
    monkeypatch.setenv("LATENT_EXPLORER_TIMING", "1")
    print_timing("first_picture")
    said = capsys.readouterr().err
    assert said.startswith("LATENT_EXPLORER_TIMING first_picture=")
    assert 0 < process_seconds() < 3600
