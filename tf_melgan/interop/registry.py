"""All projects whose checkpoints can be imported, by name; add a line for a new one."""

from __future__ import annotations

from tf_melgan.errors import UserInputError
from tf_melgan.interop import (
    coqui,
    coqui_hifigan,
    hifigan,
    melgan_neurips,
    parallel_wavegan,
    parallel_wavegan_hifigan,
    seungwonpark,
    speecht5,
    tensorflow_tts,
    vocos,
)
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.source import Source

_MODULES = (
    melgan_neurips,
    seungwonpark,
    parallel_wavegan,
    coqui,
    tensorflow_tts,
    hifigan,
    coqui_hifigan,
    parallel_wavegan_hifigan,
    speecht5,
    vocos,
)
SOURCES: dict[str, Source] = {module.SOURCE.name: module.SOURCE for module in _MODULES}


def recognise(checkpoint: Checkpoint) -> Source:
    """The project that a checkpoint is of, by the names of its tensors.

    Raises:
        UserInputError: it is of none of them.
    """
    for source in SOURCES.values():
        if source.recognises(checkpoint):
            return source
    raise UserInputError(
        f"{checkpoint.path}: is of no project that is known; known: {', '.join(SOURCES)}"
    )
