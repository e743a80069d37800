"""A trained Keras generator as a voice for `Vocoder`: from a run or a file, and into a file."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tf_melgan.config import Config
from tf_melgan.errors import BadInput
from tf_melgan.features import MelSpec
from tf_melgan.files import whole_file
from tf_melgan.generator import Generator
from tf_melgan.melgan import MelGAN
from tf_melgan.pqmf import prototype

_SPEC = "mel.json"
_CHUNK = 1024


class KerasVoice:
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by a folded generator.

    Long mels go through it in pieces of 1024 frames, each with as many frames of its neighbors as
    the convolutions see: the memory is that of one piece and the sound the same.
    """

    def __init__(self, generator: Generator, spec: MelSpec):
        self.spec = spec
        self._generator = generator.folded() if generator.weight_normalization else generator
        self._context = context(generator)

    @classmethod
    def of_run(cls, run: Path) -> "KerasVoice":
        """The best generator of a run's folder."""
        from tf_melgan.training import load_generator

        return cls(load_generator(run), Config.load(run / "config.yaml").mel)

    @classmethod
    def of_file(cls, path: Path) -> "KerasVoice":
        """What `save` wrote, or a saved `MelGAN`."""
        try:
            model = keras.saving.load_model(path, compile=False)
            with zipfile.ZipFile(path) as archive:
                values = json.loads(archive.read(_SPEC)) if _SPEC in archive.namelist() else None
        except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile):
            raise BadInput(
                f"{path}: cannot be loaded; give a .keras file that tf-melgan saved"
            ) from None
        if isinstance(model, MelGAN):
            return cls(model.best_generator, model.config.mel)
        if not isinstance(model, Generator) or values is None:
            raise BadInput(
                f"{path}: does not say which mel it reads; save a MelGAN, or the run's KerasVoice"
            )
        return cls(model, MelSpec.from_dict(values))

    def save(self, path: str | Path) -> None:
        """Writes a `.keras` file of the folded generator with its `MelSpec`."""
        with whole_file(path) as aside:
            self._generator.save(aside)
            with zipfile.ZipFile(aside, "a") as archive:
                archive.writestr(_SPEC, json.dumps(self.spec.to_dict()))

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        pieces = []
        for start in range(0, len(mel), _CHUNK):
            first, last = max(0, start - self._context), start + _CHUNK + self._context
            sound = ops.convert_to_numpy(self._generator(mel[None, first:last], training=False))
            begin = (start - first) * self.spec.hop
            pieces.append(sound[0, begin : begin + _CHUNK * self.spec.hop, 0])
        return np.concatenate(pieces).astype(np.float32)


def context(generator: Generator) -> int:
    """Frames on either side, at most, that a sample of the output depends on."""
    taps = prototype(generator.bands) if generator.bands > 1 else [1]
    reach = -(-(len(taps) // 2) // generator.bands) + 3
    for stride in reversed(generator.upsampling):
        # Outwards through the residual stack, then through a kernel of two strides.
        reach = -(-(reach + sum(generator.dilations)) // stride) + 1
    return reach + 3
