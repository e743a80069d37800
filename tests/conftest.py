"""Fixtures that several test files share."""

from pathlib import Path

import pytest
from helpers.speech import recordings

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.data.prepare import prepare


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder prepared for the default `MelSpec`: five recordings to train on, one to validate."""
    folder = tmp_path_factory.mktemp("speech")
    for index, path in enumerate(recordings(6)):
        split = folder / "recordings" / ("validation" if index == 0 else "train")
        split.mkdir(parents=True, exist_ok=True)
        (split / path.name).symlink_to(path)
    prepare(folder / "recordings", folder / "data", MelSpec())
    return folder / "data"
