# SPDX-License-Identifier: MIT
"""Stylesheet of the whole application: what Fusion's palette cannot express."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.paths import resource

if TYPE_CHECKING:
    from latent_explorer.common.palette import Palette

# `role` is a dynamic property: "primary" (one a panel), "quiet" (no border until touched), "title", "hint", "warning".
_TEMPLATE = """
QToolTip {{ color: {ink}; background: {surface}; border: 1px solid {line}; padding: 4px 6px; }}
QMenuBar {{ background: {paper}; padding: 4px 8px; spacing: 0; }}
QMenuBar::item {{ padding: 5px 10px; border-radius: 6px; background: transparent; }}
QMenuBar::item:selected, QMenuBar::item:pressed {{ background: {hover}; }}
QMenu {{ background: {surface}; border: 1px solid {line}; padding: 6px; }}
QMenu::item {{ padding: 6px 24px 6px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {hover}; }}
QMenu::item:disabled {{ color: {disabled}; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::icon:checked {{ background: {hover}; border: 1px solid {accent}; border-radius: 4px; }}
QMenu::indicator {{ width: 14px; height: 14px; margin-left: 8px; }}
QMenu::indicator:checked {{ image: url("{tick}"); }}
QMenu::separator {{ height: 1px; background: {line}; margin: 6px 8px; }}
QStatusBar {{ background: {paper}; border-top: 1px solid {line}; }}
QStatusBar::item {{ border: 0; }}

QPushButton, QToolButton {{ min-height: 26px; padding: 0 12px; border-radius: 6px;
    border: 1px solid {line}; background: {surface}; color: {ink}; outline: 0; }}
QToolButton {{ padding: 0 4px; }}
QToolButton#qt_menubar_ext_button {{ min-width: 18px; }}
QPushButton:hover, QToolButton:hover {{ background: {hover}; }}
QPushButton:pressed, QToolButton:pressed, QToolButton:checked {{ background: {line}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {disabled}; background: transparent; }}
QPushButton:focus, QToolButton:focus {{ border: 1px solid {accent}; }}
QPushButton[role="primary"] {{
    background: {accent}; border: 1px solid {accent}; color: {on_accent}; font-weight: 600;
}}
QPushButton[role="primary"]:hover {{ background: {accent_hover}; border-color: {accent_hover}; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {ink}; }}
QPushButton[role="primary"]:disabled {{ background: {hover}; border-color: {hover}; color: {disabled}; }}
QPushButton[role="quiet"], QToolButton[role="quiet"] {{ border: 1px solid transparent; background: transparent; }}
QPushButton[role="quiet"]:hover, QToolButton[role="quiet"]:hover {{ background: {hover}; }}
QToolButton[role="quiet"]:checked {{ background: {hover}; color: {accent}; }}
QPushButton[role="quiet"]:focus, QToolButton[role="quiet"]:focus {{ border: 1px solid {accent}; }}
QPushButton[role="fold"] {{ border: 1px solid transparent; background: transparent; padding: 0 8px 0 0; }}
QPushButton[role="fold"][tight="true"] {{ min-height: 18px; }}
QPushButton[role="fold"]:hover {{ background: {hover}; }}
QPushButton[role="fold"]:focus {{ border: 1px solid {accent}; }}
QToolButton[role="segment"] {{ border: 1px solid transparent; background: transparent; color: {muted};
    padding: 0 8px; }}
QToolButton[role="segment"][tight="true"] {{ padding: 0 1px; min-width: 18px; }}
QToolButton[role="segment"]:hover {{ color: {ink}; }}
QToolButton[role="segment"]:checked {{ background: {hover}; color: {ink}; }}
QToolButton[role="segment"]:focus {{ border: 1px solid {accent}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QPushButton::menu-indicator, QToolButton::menu-indicator {{ image: none; width: 0; }}

QLineEdit, QComboBox {{ min-height: 26px; padding: 0 8px; border-radius: 6px;
    border: 1px solid {line}; background: {surface}; selection-background-color: {accent};
    selection-color: {on_accent}; }}
QAbstractSpinBox > QLineEdit, QComboBox > QLineEdit {{ border: 0; padding: 0; min-height: 0;
    background: transparent; }}
QLineEdit:focus, QComboBox:focus {{ border: 1px solid {accent}; }}
QLineEdit:disabled, QComboBox:disabled {{ color: {disabled};
    background: transparent; }}
QLineEdit[role="quiet"] {{ border: 1px solid transparent;
    background: transparent; padding: 0 4px; }}
QLineEdit[role="quiet"]:hover
    {{ border: 1px solid {line}; }}
QLineEdit[role="quiet"]:focus
    {{ border: 1px solid {accent}; background: {surface}; }}
QComboBox {{ padding-right: 0; }}
QComboBox::drop-down {{ border: 0; width: 24px; }}
QComboBox::down-arrow {{ image: url("{caret}"); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{ background: {surface}; border: 1px solid {line}; padding: 4px; outline: 0;
    selection-background-color: {hover}; selection-color: {ink}; }}
QAbstractItemView {{ outline: 0; }}
QTableView, QListWidget {{ background: {surface}; border: 1px solid {line}; border-radius: 6px;
    selection-background-color: {hover}; selection-color: {ink}; }}
QTableView::item {{ padding: 0 5px; border: 0; }}
QHeaderView {{ background: transparent; border: 0; }}
QHeaderView::section {{ background: transparent; color: {muted}; border: 0; border-bottom: 1px solid {line};
    padding: 4px 8px; font-weight: 400; }}

QCheckBox {{ spacing: 8px; min-height: 26px; }}
QCheckBox::indicator, QRadioButton::indicator {{ width: 14px; height: 14px; border: 1px solid {muted};
    border-radius: 4px; background: {surface}; }}
QRadioButton {{ spacing: 8px; min-height: 26px; }}
QRadioButton::indicator {{ border-radius: 8px; }}
QRadioButton::indicator:hover {{ border-color: {ink}; }}
QRadioButton::indicator:checked {{ border: 5px solid {accent}; width: 6px; height: 6px; background: {surface}; }}
QRadioButton::indicator:focus {{ border-color: {ink}; }}
QRadioButton:disabled {{ color: {disabled}; }}
QRadioButton::indicator:disabled {{ border-color: {line}; background: transparent; }}
QCheckBox::indicator:hover {{ border-color: {ink}; }}
QCheckBox::indicator:focus {{ border: 2px solid {accent}; width: 12px; height: 12px; }}
QCheckBox::indicator:checked {{ background: {accent}; border-color: {accent}; image: url("{check}"); }}
QCheckBox::indicator:disabled {{ border-color: {line}; background: transparent; }}
QCheckBox:disabled {{ color: {disabled}; }}

QListWidget[role="photos"] {{ background: transparent; border: 0; }}
QListWidget[role="photos"]::item {{ border: 2px solid transparent; background: transparent; }}
QListWidget[role="photos"]::item:hover {{ border-color: {line}; }}
QListWidget[role="photos"]::item:selected {{ border-color: {accent}; }}

QScrollArea, QScrollArea > QWidget > QWidget[role="page"] {{ background: transparent; border: 0; }}
QScrollBar:vertical {{ width: 10px; background: transparent; margin: 0; }}
QScrollBar:horizontal {{ height: 10px; background: transparent; margin: 0; }}
QScrollBar::handle {{ background: {scroll}; border-radius: 3px; margin: 2px; min-height: 28px; min-width: 28px; }}
QScrollBar::handle:hover {{ background: {muted}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page
    {{ width: 0; height: 0; background: transparent; }}
QSplitter::handle {{ background: {line}; }}
QSplitter::handle:hover {{ background: {accent}; }}
QMainWindow::separator {{ background: {line}; height: 3px; width: 3px; }}
QMainWindow::separator:hover {{ background: {accent}; }}
QListWidget::item {{ padding: 4px 6px; }}
QPlainTextEdit[role="field"] {{ border: 1px solid {line}; padding: 2px 4px; }}
QPlainTextEdit[role="field"]:focus {{ border: 1px solid {accent}; }}
QPlainTextEdit {{ background: {surface}; border: 0; border-radius: 6px; selection-background-color: {accent};
    selection-color: {on_accent}; }}

QLabel:disabled {{ color: {disabled}; }}
QLabel[role="title"] {{ font-weight: 600; }}
QLabel[role="hint"]:enabled {{ color: {muted}; }}
QLabel[role="warning"] {{ color: {warning}; }}
QFrame[role="card"] {{ background: {surface}; border-radius: 6px; }}
QFrame[role="popup"] {{ background: {surface}; border: 1px solid {line}; }}
QFrame[role="hairline"] {{ background: {line}; border: 0; }}
QProgressBar {{ border: 0; border-radius: 2px; background: {sunken}; }}
QProgressBar::chunk {{ border-radius: 2px; background: {accent}; }}
"""


def stylesheet(palette: Palette) -> str:
    """Return the stylesheet in the colours of `palette`."""
    return _TEMPLATE.format(
        tick=resource(f"icons/tick-{palette.name}.svg").as_posix(),
        check=resource(f"icons/check-{palette.name}.svg").as_posix(),
        caret=resource(f"icons/caret-{palette.name}.svg").as_posix(),
        **vars(palette),
    )
