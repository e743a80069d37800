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
from tf_melgan.generators import AnyGenerator
from tf_melgan.melgan import MelGAN

_SPEC = "mel.json"
_PIECE = 1024


class KerasVoice:
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by a folded generator.

    Long mels go through it in pieces of 1024 frames: the memory is that of one, the sound the same.

    Attributes:
        generator: folded.
        context: frames on either side, at most, that a sample of the output depends on.
    """

    def __init__(self, generator: AnyGenerator, spec: MelSpec):
        self.spec = spec
        self.generator = generator.folded()
        self.context = generator.context

    @classmethod
    def open(cls, path: Path) -> "KerasVoice":
        """A run's folder, a `.keras` of a voice or of a `MelGAN`, or a `.npz` to train on from.

        Raises:
            BadInput: it is none of these, or damaged.
        """
        if not path.exists():
            raise BadInput(
                f"{path}: no such file or folder; give a run's folder, a .keras or a .npz file"
            )
        if path.suffix == ".npz":
            from tf_melgan.finetuning import unpack

            config, generator = unpack(path)
            return cls(generator, config.mel)
        return cls.of_run(path) if path.is_dir() else cls.of_file(path)

    @classmethod
    def of_run(cls, run: Path) -> "KerasVoice":
        """The best generator of a run's folder."""
        from tf_melgan.training import load

        return cls(load(run).best_generator, Config.load(run / "config.yaml").mel)

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
        if not isinstance(model, AnyGenerator) or values is None:
            raise BadInput(
                f"{path}: does not say which mel it reads; save a MelGAN, or the run's KerasVoice"
            )
        return cls(model, MelSpec.from_dict(values))

    def save(self, path: str | Path) -> None:
        """Writes a `.keras` file of the folded generator with its `MelSpec`."""
        with whole_file(path) as aside:
            self.generator.save(aside)
            with zipfile.ZipFile(aside, "a") as archive:
                archive.writestr(_SPEC, json.dumps(self.spec.to_dict()))

    def generate(self, mel: np.ndarray) -> np.ndarray:
        """All at once: float32 (frames, n_mels) → float32 (frames · hop,)."""
        sound = ops.convert_to_numpy(self.generator(mel[None], training=False))
        return sound[0, :, 0].astype(np.float32)

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        stream = self.stream()
        pieces = [stream.push(mel[start : start + _PIECE]) for start in range(0, len(mel), _PIECE)]
        return np.concatenate([*pieces, stream.finish()])

    def stream(self) -> "KerasStream":
        return KerasStream(self)


class KerasStream:
    """A stream by repetition: each piece is computed with as many frames around it as it sees."""

    def __init__(self, voice: KerasVoice):
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
