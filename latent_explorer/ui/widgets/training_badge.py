# SPDX-License-Identifier: MIT
"""A running training in a few words, for the status line; a click opens the dock. Hidden while nothing is trained."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QToolButton

from latent_explorer.ui.style import icons, theme

HEIGHT = 26  # px
TIP = "Show the training (Ctrl+T)"


class TrainingBadge(QToolButton):
    """ "Training 61 %, 12 min left" with the sign of trainings."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "quiet")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(theme.ICON - 2, theme.ICON - 2))
        self.setFont(theme.font(theme.SMALL))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(HEIGHT)
        self.setToolTip(TIP)
        icons.set_icon(self, "training", "accent")
        self.show_message("")

    def show_message(self, text: str) -> None:
        """What is being trained, and how far it is; empty: nothing."""
        self.setText(f" {text}" if text else "")  # the icon stands too near
        self.setAccessibleName(text or "No training")
        self.setVisible(bool(text))
