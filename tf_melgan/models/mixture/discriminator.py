"""Several kinds of discriminators as one."""

from collections.abc import Sequence
from typing import Any

import keras

from tf_melgan.models.base import Discriminator, Outputs


@keras.saving.register_keras_serializable("tf_melgan")
class MixtureDiscriminator(Discriminator):
    """Discriminators of several kinds: the outputs of the first, then those of the next.

    Input: waveform (batch, samples, 1).
    Output: one list for each network of each part.

    Args:
        parts: the discriminators.
    """

    def __init__(self, parts: Sequence[Discriminator], **kwargs: Any):
        super().__init__(**kwargs)
        self.parts = list(parts)

    def build(self, input_shape: Sequence[int | None]) -> None:
        for part in self.parts:
            if not part.built:
                part.build(input_shape)
        self.built = True

    def call(self, audio: Any) -> Outputs:
        return [network for part in self.parts for network in part(audio)]

    def get_config(self) -> dict[str, Any]:
        parts = [keras.saving.serialize_keras_object(part) for part in self.parts]
        return {**super().get_config(), "parts": parts}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Discriminator":
        parts = [keras.saving.deserialize_keras_object(part) for part in config["parts"]]
        return cls(**{**config, "parts": parts})
