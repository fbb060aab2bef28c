# SPDX-License-Identifier: MIT
"""Colours of pictures with a profile of their own (Display P3, Adobe RGB, printing inks), turned into sRGB."""

from __future__ import annotations

import functools
import io

from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 4 << 20  # printing profiles are large


def profile_name(picture: Image.Image) -> str:
    """Return the name of the colour profile of a picture; "" if it has none, or one that is sRGB or not of its kind."""
    raw = picture.info.get("icc_profile")
    mode = {"RGBA": "RGB", "RGB": "RGB", "CMYK": "CMYK"}.get(picture.mode)
    if not isinstance(raw, bytes) or mode is None or len(raw) > MAX_PROFILE_BYTES:
        return ""
    name, space = _about(raw)
    plain = name.casefold().replace(" ", "")
    return name if space == mode and "srgb" not in plain else ""


def to_srgb(picture: Image.Image) -> Image.Image:
    """Convert a picture with a profile, RGB, RGBA or CMYK, to sRGB; others are returned as they are."""
    if not profile_name(picture):
        return picture
    mode = "CMYK" if picture.mode == "CMYK" else "RGB"
    transform = _transform(picture.info["icc_profile"], mode)
    if transform is None:
        return picture
    out = ImageCms.applyTransform(picture.convert(mode), transform)
    if out is None:
        return picture
    if picture.mode == "RGBA":
        out.putalpha(picture.getchannel("A"))
    return out


@functools.lru_cache(maxsize=32)
def _about(raw: bytes) -> tuple[str, str]:
    """Return name and colour space of a profile; empty if it is damaged."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(raw)).profile
        return " ".join((profile.profile_description or "").split())[:60] or "unnamed", profile.xcolor_space.strip()
    except Exception:
        return "", ""


@functools.lru_cache(maxsize=32)
def _transform(raw: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform to sRGB, None if the profile does not allow one (a damaged or one-way profile)."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(raw))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except Exception:
        return None
