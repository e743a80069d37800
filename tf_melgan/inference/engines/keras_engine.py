"""Runs a Keras generator as a voice of `Vocoder`; reads runs and files, writes `.keras` files."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file
from tf_melgan.inference.engines.recomputed import RecomputedStream, vocode_in_chunks
from tf_melgan.models.base import Generator
from tf_melgan.voices import keras_file
from tf_melgan.voices.run_folder import generator_file
from tf_melgan.voices.weights_file import load_weights


class KerasEngine:
    """Runs a Keras generator: float32 log-mel (frames, n_mels) → float32 waveform (frames · hop,).

    Long mels are vocoded in chunks of 1024 frames with context on both sides, so that memory does
    not grow with the length and the samples do not depend on the chunks.

    Examples:
        >>> from tf_melgan.inference.engines.keras_engine import KerasEngine
        >>> engine = KerasEngine.open(Path("runs/voice"))
        >>> audio = engine(mel)

    Args:
        generator: a trained generator, with weight normalization or folded.
        spec: the mel convention that it was trained with.

    Attributes:
        generator: the generator with weight normalization folded into the kernels.
        context: maximum number of frames on each side that an output sample depends on.
    """

    def __init__(self, generator: Generator, spec: MelSpec):
        self.spec = spec
        self.generator = generator.folded()
        self.context = generator.context

    @classmethod
    def open(cls, path: Path) -> "KerasEngine":
        """Opens a run's folder, a `.keras` file written by `save`, or a `.npz` weights file.

        Args:
            path: the file or folder.

        Returns:
            The engine.

        Raises:
            UserInputError: the path does not exist, is none of these, or is damaged.
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
        # Importing them registers the classes that a file may hold.
        import tf_melgan.models.fourier.generator
        import tf_melgan.models.hifigan.generator
        import tf_melgan.models.melgan.generator
        import tf_melgan.models.vocos.generator  # noqa: F401

        try:
            spec = keras_file.read_spec(path)
            return cls(keras.saving.load_model(path, compile=False), spec)
        except UserInputError:
            raise
        # Keras raises about every error of Python for a file that is not as it expects.
        except Exception:
            raise UserInputError(
                f"{path}: cannot be loaded; give a .keras file that tf-melgan saved"
            ) from None

    def save(self, path: str | Path) -> None:
        """Writes a `.keras` file with the folded generator and its `MelSpec`.

        Args:
            path: the `.keras` file to write.

        Raises:
            UserInputError: the file cannot be written.
        """
        with atomic_file(path) as temporary:
            self.generator.save(temporary)
            keras_file.finish(temporary, self.spec)

    def generate(self, mel: np.ndarray) -> np.ndarray:
        """Vocodes in one call: float32 log-mel (frames, n_mels) → float32 (frames · hop,)."""
        waveform = ops.convert_to_numpy(self.generator(mel[None], training=False))
        return waveform[0, :, 0].astype(np.float32)

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        return vocode_in_chunks(self, mel)

    def stream(self) -> RecomputedStream:
        return RecomputedStream(self)
