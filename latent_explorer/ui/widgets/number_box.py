# SPDX-License-Identifier: MIT
"""Fields for typed numbers, the same in every country: point and comma are decimal signs, digits are Western.

Qt's own fields read "0.5" as 5 where the point separates thousands. No other module makes spin boxes or validators.
"""

from __future__ import annotations

import math
import re

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QLineEdit, QWidget

from latent_explorer.common.format import MINUS

_BEGINNING = re.compile(r"[\d.,\s'_eE+\-\N{MINUS SIGN}\N{ARABIC DECIMAL SEPARATOR}]*")  # of what may become a number
_DIGITS = 15  # of a whole number; a double holds no more exactly


def parse_number(text: str) -> float | None:
    """Parse a typed number ("-.5", "0,75", "\N{MINUS SIGN}1.2", "1.000,5", "2e-4"); None if it is not a number."""
    plain = re.sub(r"[\s'_\N{ARABIC THOUSANDS SEPARATOR}]", "", text).replace(MINUS, "-")
    plain = plain.replace("\N{ARABIC DECIMAL SEPARATOR}", ".")
    decimal = max(plain.rfind("."), plain.rfind(","))
    whole, rest = (plain[:decimal], plain[decimal + 1 :]) if decimal >= 0 else (plain, None)
    if re.fullmatch(r"[+-]?\d{1,3}([.,])\d{3}(\1\d{3})*", whole):  # 1.000,5 and 1,000.5
        if plain[decimal] in whole:
            return None
        whole = re.sub("[.,]", "", whole)
    plain = whole if rest is None else f"{whole}.{rest}"
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", plain, re.IGNORECASE):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


def parse_whole(text: str) -> int | None:
    """Parse a typed whole number, also with thousands ("20,000", "20.000", "20 000"); None if it is not one."""
    plain = re.sub(r"[\s'_]", "", text).replace(MINUS, "-")
    if re.fullmatch(r"[+-]?\d{1,3}([.,])\d{3}(\1\d{3})*", plain):
        plain = re.sub("[.,]", "", plain)
    return int(plain) if re.fullmatch(rf"[+-]?\d{{1,{_DIGITS}}}", plain) else None


class NumberValidator(QValidator):
    """Validator of numbers from `low` to `high`, whole unless there are `decimals`."""

    def __init__(self, low: float, high: float, decimals: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.low, self.high, self.decimals = low, high, decimals

    def parse(self, text: str) -> float | None:
        """Return the number that a text stands for; None if it is none, or one outside the range."""
        value = parse_number(text) if self.decimals else parse_whole(text)
        return value if value is not None and self.low <= value <= self.high else None

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        value = parse_number(text)
        too_large = value is not None and value > self.high > 0 and text.strip().isdecimal()
        if self.parse(text) is not None:
            state = QValidator.State.Acceptable
        elif too_large or not _BEGINNING.fullmatch(text):
            state = QValidator.State.Invalid
        else:
            state = QValidator.State.Intermediate
        return state, text, position


class NumberLine(QLineEdit):
    """Line for a number from `low` to `high`. `value` is None unless it holds one."""

    def __init__(self, name: str, low: float, high: float, decimals: int = 0, *, tip: str = "") -> None:
        super().__init__()
        self._check = NumberValidator(low, high, decimals, self)
        self.setValidator(self._check)
        self.setAccessibleName(name)
        self.setToolTip(tip)

    @property
    def value(self) -> float | None:
        return self._check.parse(self.text())

    def show_value(self, value: float) -> None:
        """Show the number; emits `textChanged` only."""
        self.setText(
            f"{value:.{self._check.decimals}f}".rstrip("0").rstrip(".") if self._check.decimals else f"{value}"
        )


class NumberBox(QDoubleSpinBox):
    """Field with buttons for a number from `low` to `high`, whole unless there are `decimals`.

    It takes the wheel only while it has the focus; otherwise the panel around it scrolls.
    """

    def __init__(
        self, name: str, low: float, high: float, *, decimals: int = 0, step: float = 1, unit: str = ""
    ) -> None:
        super().__init__()
        self._check = NumberValidator(low, high, decimals, self)
        self.setLocale(QLocale.c())
        self.setDecimals(decimals)
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setSuffix(f" {unit}" if unit else "")
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def number(self) -> float:
        """The value without errors of its binary form: 0.1 + 0.2 is 0.3."""
        return round(self.value(), self.decimals())

    @property
    def count(self) -> int:
        """The value of a field for whole numbers."""
        return round(self.value())

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        state, _, _ = self._check.validate(self._typed(text), position)
        return state, text, position

    def fixup(self, text: str) -> str:
        """Leave a text that is no number as it is: Qt takes separators out of it, and "2,5" becomes 25."""
        return text

    def valueFromText(self, text: str) -> float:
        value = self._check.parse(self._typed(text))
        return self.value() if value is None else value

    def _typed(self, text: str) -> str:
        return text.removesuffix(self.suffix()).removesuffix(self.suffix().strip())

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
