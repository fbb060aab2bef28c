# SPDX-License-Identifier: MIT
"""Photos in the window: from a drop to a projection in two clicks, the frame, the way, the result beside the photo."""

from __future__ import annotations

import numpy as np
import pytest
from fake_projection import fake_project, make_projected
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from window_tools import colours_in, desktop_on, open_fake, wait_picture

from latent_explorer.app.exploration.intents import SetEdits
from latent_explorer.data.crop import crop_to_pixels
from latent_explorer.explain.recipe import ProjectedBase, StyleShift

LEFT = Qt.MouseButton.LeftButton
RNG = np.random.default_rng(0)


@pytest.fixture
def desktop(qtbot, tmp_path):
    with desktop_on(tmp_path) as made:
        made.projections.project = fake_project
        made.projections.change(steps=12)
        open_fake(qtbot, made, tmp_path)
        yield made


@pytest.fixture
def projection(desktop):
    return desktop.window.projection


def photo(tmp_path, name="leaf.jpg", height=60, width=90):
    path = tmp_path / name
    Image.fromarray(RNG.integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(QPointF(500, 300), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    window.dropEvent(event)


def project(qtbot, desktop):
    QTest.mouseClick(desktop.window.projection.panel.project, LEFT)
    qtbot.waitUntil(lambda: desktop.projections.run is None, timeout=8000)
    wait_picture(qtbot, desktop)


def test_a_drop_and_one_click_project_a_photo(qtbot, desktop, projection, tmp_path):
    window = desktop.window
    drop(window, photo(tmp_path))
    qtbot.waitUntil(lambda: desktop.projections.photo is not None)
    assert projection.left.projecting
    assert window.canvas.pages.currentWidget() is projection.stage
    assert projection.stage.pages.currentWidget() is projection.stage.cropping
    assert projection.panel.project.isVisible()
    project(qtbot, desktop)
    base = desktop.explorer.state.base
    assert isinstance(base, ProjectedBase)
    assert window.canvas.pages.currentWidget() is window.canvas.view
    assert window.samples.view.thumbnails.bases == [base]
    assert window.samples.view.currentIndex().data(Qt.ItemDataRole.ToolTipRole).startswith("leaf.jpg")
    assert projection.panel.result.isVisible()
    result = projection.panel.result
    assert result.name.text() == "leaf.jpg"
    assert "the same class" in result.lines.texts[0]
    assert "0.124" in [label.text() for label in result.findChildren(QLabel)]
    desktop.explorer.undo()
    assert not projection.panel.result.isVisible()


def test_the_photo_is_the_picture_before_until_it_is_not_wanted(qtbot, desktop, projection):
    desktop.projections.open_image(RNG.integers(0, 256, (60, 60, 3), np.uint8), "pasted")
    project(qtbot, desktop)
    view, bars = desktop.window.canvas.view, desktop.window.canvas.bars
    shown = desktop.explorer.latents.of(desktop.explorer.state.base)
    assert view.before.title == "Photo"
    assert view.after.title == "Reconstruction"
    np.testing.assert_array_equal(view.before.image, shown.target)
    assert bars.verdict.before_caption == "photo"
    action = desktop.window.actions_by_key["compare_photo"]
    assert action.isEnabled()
    QTest.keyClick(desktop.window, "o")
    assert not action.isChecked()
    assert view.before.title == "Projection (before)"
    QTest.mouseClick(projection.panel.result.compare, LEFT, pos=QPoint(8, 12))
    assert view.before.title == "Photo"
    desktop.explorer.undo()
    wait_picture(qtbot, desktop)
    assert not action.isEnabled()
    assert view.before.title == "Reconstruction (before)"


def test_a_slider_shows_what_it_moves_while_photos_wait(qtbot, desktop, projection):
    desktop.projections.open_image(RNG.integers(0, 256, (60, 60, 3), np.uint8), "waits")
    canvas = desktop.window.canvas
    assert canvas.pages.currentWidget() is projection.stage
    desktop.explorer.apply(SetEdits((StyleShift(0, "max", 0.5),)))
    assert canvas.pages.currentWidget() is canvas.view
    strip = projection.panel.strip
    QTest.mouseClick(strip.viewport(), LEFT, pos=strip.visualItemRect(strip.item(0)).center())
    assert canvas.pages.currentWidget() is projection.stage, "the photo is one click away"
    project(qtbot, desktop)
    assert not desktop.explorer.state.edits
    desktop.explorer.undo()
    assert desktop.explorer.state.edits


def test_all_pictures_of_a_folder_are_opened(qtbot, desktop, projection, tmp_path, monkeypatch):
    (tmp_path / "leaves").mkdir()
    for name in ("a.png", "b.jpg"):
        photo(tmp_path / "leaves", name)
    monkeypatch.setattr(
        "latent_explorer.ui.projection.actions.QFileDialog.getExistingDirectory", lambda *_a: str(tmp_path / "leaves")
    )
    QTest.mouseClick(projection.panel.folder, LEFT)
    qtbot.waitUntil(lambda: len(desktop.projections.photos) == 2)


def test_keys_alone_open_and_project(qtbot, desktop, projection):
    panel, show = projection.panel, desktop.window.actions_by_key["project"]
    show.trigger()
    assert panel.open.hasFocus()
    desktop.projections.open_image(RNG.integers(0, 256, (60, 60, 3), np.uint8), "p.png")
    show.trigger()
    assert panel.project.hasFocus()
    QTest.keyClick(panel.project, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: bool(desktop.explorer.document.projected), timeout=8000)
    wait_picture(qtbot, desktop)


def test_photo_and_generators_view_stand_level(qtbot, desktop, projection):
    desktop.projections.open_image(RNG.integers(0, 256, (60, 60, 3), np.uint8), "square")
    stage = projection.stage
    qtbot.waitUntil(lambda: stage.crop.isVisible() and stage.crop.width() > 150)
    (seen,) = stage.classifier_view.frames()
    framed = stage.crop.frame_rect()
    assert abs(framed.top() - seen.top()) <= 1
    assert abs(framed.height() - seen.height()) <= 1


def test_while_it_runs_the_way_is_seen_and_stop_keeps_the_best(qtbot, desktop, projection):
    desktop.projections.change(steps=50_000)
    for name in ("one", "two"):
        desktop.projections.open_image(RNG.integers(0, 256, (60, 60, 3), np.uint8), name)
    assert projection.panel.project.text() == "Project 2 photos"
    QTest.mouseClick(projection.panel.project, LEFT)
    assert projection.panel.project.text() == "Stop, keep the best"
    assert not projection.panel.settings.isEnabled()
    stage = projection.stage
    qtbot.waitUntil(lambda: desktop.projections.run and len(desktop.projections.run.curves[1]) > 20)
    assert stage.pages.currentWidget() is stage.live
    qtbot.waitUntil(lambda: stage.twins.twins is not None)
    assert stage.view.before.title.startswith("Photo")
    assert "left" in projection.panel.progress_label.text()
    assert "photo 0.90, now 0.80" in stage.twins.accessibleDescription()
    assert stage.loss.isVisible()
    assert colours_in(stage) > 10
    projection.panel.strip.setCurrentRow(0)
    assert desktop.projections.photo.name == "one"
    projection.left.set_projecting(False)
    assert desktop.window.canvas.pages.currentWidget() is desktop.window.canvas.view
    projection.left.set_projecting(True)
    assert desktop.window.canvas.pages.currentWidget() is stage
    QTest.mouseClick(projection.panel.project, LEFT)
    qtbot.waitUntil(lambda: desktop.projections.run is None)
    assert len(desktop.explorer.document.projected) == 2
    wait_picture(qtbot, desktop)


def test_the_frame_is_moved_pulled_and_sized_by_mouse_and_keys(qtbot, desktop, projection):
    desktop.projections.open_image(RNG.integers(0, 256, (60, 90, 3), np.uint8), "wide")
    crop = projection.stage.crop
    qtbot.waitUntil(lambda: crop.isVisible() and crop.width() > 150)
    start = desktop.projections.photo.crop
    middle = crop.frame_rect().center().toPoint()
    QTest.mousePress(crop, LEFT, pos=middle)
    QTest.mouseMove(crop, middle + QPoint(20, 0))
    QTest.mouseRelease(crop, LEFT, pos=middle + QPoint(20, 0))
    moved = desktop.projections.photo.crop
    assert moved.left > start.left
    assert (moved.top, moved.size) == (start.top, start.size)
    corner = crop.frame_rect().bottomRight().toPoint()
    QTest.mousePress(crop, LEFT, pos=corner)
    QTest.mouseMove(crop, corner - QPoint(30, 30))
    QTest.mouseRelease(crop, LEFT, pos=corner - QPoint(30, 30))
    pulled = desktop.projections.photo.crop
    assert pulled.size < moved.size
    assert pulled.left == pytest.approx(moved.left)
    crop.setFocus()
    QTest.keyClick(crop, Qt.Key.Key_Left)
    QTest.keyClick(crop, Qt.Key.Key_Plus)
    assert desktop.projections.photo.crop.size == pytest.approx(pulled.size + 0.02)
    QTest.keyClick(crop, Qt.Key.Key_Home)
    assert desktop.projections.photo.crop == start
    crop.set_full_crop()
    assert crop_to_pixels(desktop.projections.photo.crop, 60, 90) == (0, -15, 90)
    seen = projection.stage.classifier_view.after
    assert seen.image.shape == (64, 64, 3)
    assert not seen.image[:8].any(), "black where the photo ends"
    assert crop.accessibleDescription()


def test_pasting_takes_pixels_files_or_says_that_there_is_nothing(qtbot, desktop, projection, tmp_path):
    clipboard = QGuiApplication.clipboard()
    clipboard.setText("no picture")
    QTest.keyClick(desktop.window, "v", Qt.KeyboardModifier.ControlModifier)
    assert "no picture on the clipboard" in desktop.window.notices.history[-1][1]
    image = QImage(30, 20, QImage.Format.Format_ARGB32)
    image.fill(0x80FF0000)
    clipboard.setImage(image)
    QTest.keyClick(desktop.window, "v", Qt.KeyboardModifier.ControlModifier)
    assert desktop.projections.photo.name == "Pasted picture"
    assert desktop.projections.photo.image[0, 0].tolist() == [128, 0, 0]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photo(tmp_path, "file.png")))])
    clipboard.setMimeData(data)
    QTest.keyClick(desktop.window, "v", Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(desktop.projections.photos) == 2)
    assert projection.panel.strip.count() == 2
    projection.panel.strip.setFocus()
    QTest.keyClick(projection.panel.strip, Qt.Key.Key_Delete)
    assert [p.name for p in desktop.projections.photos] == ["Pasted picture"]
    QTest.mouseClick(projection.panel.clear, LEFT)
    assert projection.panel.invite.isVisible()
    assert desktop.window.canvas.pages.currentWidget() is desktop.window.canvas.view


def test_settings_reach_the_desk(qtbot, desktop, projection):
    desktop.projections.open_image(RNG.integers(0, 256, (60, 60, 3), np.uint8), "p")
    form = projection.panel.settings
    form.space.setCurrentIndex(form.space.findData("s"))
    form.space.activated.emit(form.space.currentIndex())
    form.steps.setFocus()
    form.steps.selectAll()
    QTest.keyClicks(form.steps, "250")
    QTest.keyClick(form.steps, Qt.Key.Key_Return)
    assert form.behind.isHidden()
    QTest.mouseClick(form.more, LEFT)
    QTest.mouseClick(form.tuning, LEFT, pos=QPoint(8, 12))
    QTest.mouseClick(form.noise, LEFT, pos=QPoint(8, 12))
    QTest.mouseClick(form.verdict, LEFT, pos=QPoint(8, 12))
    form.rate.setText("0,05")
    form.rate.editingFinished.emit()
    settings = desktop.projections.settings
    assert (settings.space, settings.steps, settings.noise) == ("s", 250, "optimise")
    assert settings.tuning > 0
    assert settings.verdict == 0
    assert settings.lr == pytest.approx(0.05)
    form.allow_encoder(False)
    assert not form.start.model().item(1).isEnabled()


def test_what_must_be_said_is_said(qtbot, desktop, projection):
    summary = desktop.explorer.summary
    bad = make_projected(
        "face.png",
        model_hash=summary.model_hash,
        classifier_id=summary.classifiers[0].classifier_id,
        class_names=("diseased", "healthy"),
        agreement=False,
        probs_target=(0.9, 0.1),
        probs_reconstruction=(0.3, 0.7),
        probs_photo=(0.2, 0.8),
        in_domain=False,
        domain_reason="it looks like no leaf",
        tuned=True,
    )
    (latent_id,) = desktop.explorer.latents.add(bad)
    desktop.explorer.change_document(desktop.explorer.document.with_projected(latent_id))
    desktop.explorer.show_base(ProjectedBase(latent_id))
    wait_picture(qtbot, desktop)
    said = " ".join(projection.panel.result.lines.texts)
    assert len(projection.panel.result.lines.texts) == 5  # three checks, and two further reasons
    for words in ("outside this generator's domain", "changes the class", "approximate", "At its own size"):
        assert words in said
        assert words in " ".join(warning.text for warning in desktop.explorer.shown.warnings), "and under the picture"


def test_the_strip_offers_report_export_and_removal(qtbot, desktop, projection, tmp_path, monkeypatch):
    desktop.projections.open_image(RNG.integers(0, 256, (60, 60, 3), np.uint8), "p.png")
    project(qtbot, desktop)
    base = desktop.explorer.state.base
    samples = desktop.window.samples
    projection.left.set_projecting(False)
    menu = samples.menu_of(base)
    actions = {action.text(): action for action in menu.actions() if action.text()}
    actions["How close it is to the photo..."].trigger()
    assert projection.left.projecting
    monkeypatch.setattr(
        "latent_explorer.ui.projection.actions.QFileDialog.getSaveFileName",
        lambda *_a: (str(tmp_path / "out"), "Latent as numbers (*.npz)"),
    )
    actions["Export..."].trigger()
    assert (tmp_path / "out.npz").is_file()
    (tmp_path / "out.npz").unlink()
    projection.panel.result.export_requested.emit()
    assert (tmp_path / "out.npz").is_file()
    projection.panel.result.remove_requested.emit()
    assert desktop.explorer.document.projected == ()
    desktop.explorer.change_document(desktop.explorer.document.with_projected(base.latent_id))
    actions["Remove from the list"].trigger()
    assert samples.view.thumbnails.bases == []
    assert "Drop a photo" in samples.empty.sentence.text()
    menu.deleteLater()
