# SPDX-License-Identifier: MIT
"""What is said of a file that cannot be read depends on its name and size."""

from __future__ import annotations

import pytest

from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.common.errors import UserError
from latent_explorer.data.images import read_image
from latent_explorer.explain.projected import read_projected
from latent_explorer.explain.timeline.file import read_timeline
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.studies.build.answer_key import read_key

READERS = {
    ".explainer": read_explainer,
    ".classifier": read_classifier,
    ".exploration": exploration_file.read,
    ".projection": read_projected,
    ".timeline.json": read_timeline,
    ".key.json": read_key,
    ".png": read_image,
}


@pytest.mark.parametrize("suffix", READERS)
def test_an_empty_file_is_called_empty(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    path.touch()
    with pytest.raises(UserError, match=r"mine\S* is empty"):
        READERS[suffix](path)


@pytest.mark.parametrize("suffix", [".explainer", ".classifier", ".exploration"])
@pytest.mark.parametrize("content", [b"x" * 100, b"PK\x03\x04" + b"x" * 60])
def test_the_ending_is_only_advised_to_files_that_have_another(tmp_path, suffix, content):
    for name in ("mine" + suffix, "MINE" + suffix.upper()):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"is damaged or not an?") as caught:
            READERS[suffix](path)
        assert "ends in" not in str(caught.value)
    other = tmp_path / "photos.zip"
    other.write_bytes(content)
    # A classifier may also be a checkpoint of another program, with other endings.
    advice = "photos.zip" if suffix == ".classifier" else rf"Choose a file that ends in \{suffix}"
    with pytest.raises(UserError, match=advice):
        READERS[suffix](other)
