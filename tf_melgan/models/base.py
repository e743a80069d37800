"""What every generator and every discriminator is, whatever its type."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from tf_melgan.graph.builder import GraphBuilder, Observer

Outputs = list[list[Any]]
"""Of each network in a discriminator: its features, layer by layer, and at the end its score."""


class Generator(keras.Model):
    """Log-mel (batch, frames, n_mels), from one frame up → waveform (batch, frames · hop, 1).

    Attributes:
        n_mels: bands of the mel spectrogram.
    """

    n_mels: int

    @property
    @abstractmethod
    def context(self) -> int:
        """Frames on either side, at most, that a sample of the output depends on."""

    @abstractmethod
    def folded(self) -> Generator:
        """An equal generator without weight normalization; itself where there is none."""

    @abstractmethod
    def graph_builder(self, observe: Observer) -> GraphBuilder:
        """The stages that `tf_melgan.export.inference_graph.InferenceGraph` runs; needs TensorFlow.

        Args:
            observe: (name, signal) → signal; every signal that may be int8 passes through it.
        """


class Discriminator(keras.Model):
    """Waveform (batch, samples, 1) → `Outputs`."""
