"""Base classes of all generators and discriminators."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from tf_melgan.graph.builder import GraphBuilder, Observer

Outputs = list[list[Any]]
"""One list per network of a discriminator: the features of each layer, then the score."""


class Generator(keras.Model):
    """Base class of generators.

    Input: log-mel (batch, frames, n_mels) of at least one frame.
    Output: waveform (batch, frames · hop, 1).

    Attributes:
        n_mels: number of mel bands.
    """

    n_mels: int

    @property
    @abstractmethod
    def context(self) -> int:
        """The maximum number of frames on either side that an output sample depends on."""

    @abstractmethod
    def folded(self) -> Generator:
        """Returns an equal generator without weight normalization; itself if it has none."""

    @abstractmethod
    def graph_builder(self, observe: Observer) -> GraphBuilder:
        """Returns the builder of the stages that `InferenceGraph` runs; needs TensorFlow.

        Args:
            observe: (name, signal) → signal; every signal that may be int8 passes through it.
        """


class Discriminator(keras.Model):
    """Base class of discriminators: waveform (batch, samples, 1) → `Outputs`."""
