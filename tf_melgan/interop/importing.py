"""`import_voice`: makes a voice of another project's checkpoint."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tf_melgan.errors import UserInputError, require, require_choice
from tf_melgan.interop.checkpoint import open_checkpoint
from tf_melgan.interop.registry import SOURCES, recognise
from tf_melgan.voices.weights_file import VoiceWeights

AUTO = "auto"


def import_voice(
    checkpoint: str | os.PathLike | Sequence[str | os.PathLike],
    source: str = AUTO,
    config: str | os.PathLike | None = None,
    statistics: str | os.PathLike | None = None,
) -> VoiceWeights:
    """Makes a voice of a checkpoint that another project trained.

    The voice gives the same samples as the project's own network. Nothing of the checkpoint is
    run, and PyTorch is not needed.

    Examples:
        >>> from tf_melgan.interop.importing import import_voice
        >>> voice = import_voice("best_netG.pt")
        >>> voice.save("voice.npz", np.float32)

    Args:
        checkpoint: the checkpoint; a list of two files where the project saves the discriminators
            apart.
        source: the name of the project, or "auto" to see it by the names of the tensors.
        config: the project's config; by default the config.yml or config.json beside the
            checkpoint.
        statistics: the statistics of the mels that it was trained on, which are folded into the
            weights; by default the stats.h5 or stats.npy beside the checkpoint.

    Returns:
        The voice: its config with the mel convention, the generator, and the discriminators if the
        checkpoint has them.

    Raises:
        UserInputError: a file cannot be read, or holds what a voice cannot be; the message names
            the tensor or the key.
    """
    require_choice("--from", source, (AUTO, *SOURCES))
    files = [checkpoint] if isinstance(checkpoint, str | os.PathLike) else list(checkpoint)
    opened = open_checkpoint(
        [Path(file) for file in files],
        None if config is None else Path(config),
        None if statistics is None else Path(statistics),
    )
    if source == AUTO:
        found = recognise(opened)
    else:
        found = SOURCES[source]
        require(
            found.recognises(opened),
            f"{opened.path}: has no tensors that are named like those of {source}; give another "
            f"--from, or --from {AUTO}",
        )
    try:
        return found.convert(opened)
    except UserInputError as error:
        raise UserInputError(f"{', '.join(map(str, files))}: {error}") from None
