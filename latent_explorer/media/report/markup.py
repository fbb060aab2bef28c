# SPDX-License-Identifier: MIT
"""What the pages of reports share: one self-contained file, without scripts or network access, and escaped texts."""

from __future__ import annotations

import html

from latent_explorer.common.palette import page_style


def document(title: str, body: str, rules: str = "") -> str:
    """Return an HTML file with the style sheet of reports; title and body are markup, `rules` are further CSS."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>\n{rules}{page_style('report/report.css')}\n</style></head>\n"
        f"<body>\n{body}</body></html>\n"
    )  # fmt: skip


def escaped(text: str) -> str:
    """Escape the text for HTML, without characters by which a name could reorder or hide the words around it."""
    return html.escape("".join(c if c.isprintable() else " " for c in text))
