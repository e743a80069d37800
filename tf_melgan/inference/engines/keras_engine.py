"""A trained Keras generator as a voice for `Vocoder`: from a run or a file, and into a file."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file
from tf_melgan.models.base import Generator
from tf_melgan.voices.run_folder import generator_file
from tf_melgan.voices.weights_file import load_weights

_SPEC = "mel.json"
_CHUNK_FRAMES = 1024


class KerasEngine:
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by a folded generator.

    Long mels go through it in pieces of 1024 frames: the memory is that of one, the sound the same.

    Attributes:
        generator: folded.
        context: frames on either side, at most, that a sample of the output depends on.
    """

    def __init__(self, generator: Generator, spec: MelSpec):
        self.spec = spec
        self.generator = generator.folded()
        self.context = generator.context

    @classmethod
    def open(cls, path: Path) -> "KerasEngine":
        """A run's folder, a `.keras` file that `save` wrote, or a `.npz` weights file.

        Raises:
            UserInputError: it is none of these, or damaged.
        """
        if not path.exists():
            raise UserInputError(
                f"{path}: no such file or folder; give a run's folder, a .keras or a .npz file"
            )
        if path.suffix == ".keras":
            return cls._of_keras_file(path)
        weights = load_weights(generator_file(path) if path.is_dir() else path)
        return cls(weights.build_generator(), weights.config.mel)

    @classmethod
    def _of_keras_file(cls, path: Path) -> "KerasEngine":
        # Registers the classes that a file may hold.
        import tf_melgan.models.fourier.generator
        import tf_melgan.models.melgan.generator  # noqa: F401

        try:
            with zipfile.ZipFile(path) as archive:
                if _SPEC not in archive.namelist():
                    raise UserInputError(
                        f"{path}: does not say which mel it reads; save the generator with "
                        "MelGAN.save_generator"
                    )
                values = json.loads(archive.read(_SPEC))
            model = keras.saving.load_model(path, compile=False)
        except UserInputError:
            raise
        except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile):
            raise UserInputError(
                f"{path}: cannot be loaded; give a .keras file that tf-melgan saved"
            ) from None
        if not isinstance(model, Generator):
            raise UserInputError(f"{path}: is no generator; save one with MelGAN.save_generator")
        return cls(model, MelSpec.from_dict(values))

    def save(self, path: str | Path) -> None:
        """Writes a `.keras` file of the folded generator with its `MelSpec`."""
        with atomic_file(path) as temporary:
            self.generator.save(temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(_SPEC, json.dumps(self.spec.to_dict()))

    def generate(self, mel: np.ndarray) -> np.ndarray:
        """All at once: float32 (frames, n_mels) → float32 (frames · hop,)."""
        sound = ops.convert_to_numpy(self.generator(mel[None], training=False))
        return sound[0, :, 0].astype(np.float32)

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        stream = self.stream()
        pieces = [
            stream.push(mel[start : start + _CHUNK_FRAMES])
            for start in range(0, len(mel), _CHUNK_FRAMES)
        ]
        return np.concatenate([*pieces, stream.finish()])

    def stream(self) -> "KerasStream":
        return KerasStream(self)


class KerasStream:
    """A stream by repetition: each piece is computed with as many frames around it as it sees."""

    def __init__(self, voice: KerasEngine):
        self._voice = voice
        self._frames = np.zeros((0, voice.spec.n_mels), np.float32)
        self._done = 0

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Float32 (frames, n_mels), any number → float32 (samples,), perhaps none yet."""
        self._frames = np.concatenate([self._frames, mel])
        return self._sound(len(self._frames) - self._voice.context)

    def finish(self) -> np.ndarray:
        """The rest of the sound; the stream is then as new."""
        sound = self._sound(len(self._frames))
        self._frames, self._done = self._frames[:0], 0
        return sound

    def _sound(self, until: int) -> np.ndarray:
        """The sound of the frames from those that are done up to `until`."""
        if until <= self._done:
            return np.zeros(0, np.float32)
        hop, context = self._voice.spec.hop, self._voice.context
        sound = self._voice.generate(self._frames)[self._done * hop : until * hop]
        passed = max(0, until - context)
        self._frames, self._done = self._frames[passed:], until - passed
        return sound
