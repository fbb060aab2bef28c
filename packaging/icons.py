# SPDX-License-Identifier: MIT
"""Make build/icons from the SVG: PNGs of 16 to 512 px, icon.ico, icon.icns, and a picture for the Windows installer."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "resources" / "icons" / "latent-explorer.svg"
FOLDER = ROOT / "build" / "icons"
SIDES = (16, 22, 24, 32, 48, 64, 128, 256, 512)  # px, those of the hicolor theme
INSTALLER = (328, 628)  # px, the picture beside the last page of the Windows installer, for 200 %
GROUND = "#171d2b"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for side in SIDES:
        render(side).save(FOLDER / f"{side}.png")
    # Each size of the ICO is rendered by itself: a scaled one is blurred at 16 px.
    pictures = [Image.open(FOLDER / f"{side}.png") for side in (16, 24, 32, 48, 64, 128, 256)]
    pictures[-1].save(FOLDER / "icon.ico", sizes=[p.size for p in pictures], append_images=pictures[:-1])
    Image.open(FOLDER / "512.png").save(FOLDER / "icon.icns")
    beside, icon = Image.new("RGB", INSTALLER, GROUND), render(192)
    beside.paste(icon, ((INSTALLER[0] - icon.width) // 2, 96), icon)
    beside.save(FOLDER / "installer.bmp")


def render(side: int) -> Image.Image:
    """Return the icon, RGBA, `side` px wide."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    app = QGuiApplication.instance() or QGuiApplication([])
    image = QImage(side, side, QImage.Format.Format_RGBA8888)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(SOURCE)).render(painter)
    painter.end()
    del app
    return Image.frombytes("RGBA", (side, side), bytes(image.constBits()), "raw", "RGBA", image.bytesPerLine())


if __name__ == "__main__":
    main()
