"""What a project's module offers: to recognise its checkpoints and to make voices of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.voices.weights_file import VoiceWeights


@dataclass(frozen=True)
class Source:
    """A project whose checkpoints can be imported.

    Attributes:
        name: what `--from` calls it.
        recognises: whether a checkpoint has the names of this project's tensors. No two sources
            recognise the same checkpoint.
        convert: makes a voice of a recognised checkpoint; raises `UserInputError` without the path
            where the checkpoint or its config holds what a voice cannot be.
    """

    name: str
    recognises: Callable[[Checkpoint], bool]
    convert: Callable[[Checkpoint], VoiceWeights]
