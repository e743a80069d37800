"""`Vocoder`: one face for log-mel → audio, whatever holds the weights."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tf_melgan import voices
from tf_melgan.audio.conventions import check_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.extras import require_extra

if TYPE_CHECKING:
    from tf_melgan.audio.sound_files import WavWriter

_KINDS = "a run's folder, a SavedModel, a .keras or a .tflite file"


class Stream(Protocol):
    """Frames in, as they come; the sound that they complete, at once."""

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Float32 (frames, n_mels) → float32 (samples,), perhaps none yet."""

    def finish(self) -> np.ndarray:
        """The rest of the sound; the stream is then as new."""


class Voice(Protocol):
    """What a `Vocoder` speaks with."""

    spec: MelSpec

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        """Float32 (frames, n_mels) → float32 (frames · hop,)."""

    def stream(self) -> Stream:
        """A new stream."""


class Vocoder:
    """Makes sound from log-mel spectrograms.

    Attributes:
        spec: the mel convention that the weights were trained for.
    """

    def __init__(self, voice: Voice):
        self.spec, self._voice = voice.spec, voice

    @classmethod
    def load(cls, path: str | Path, threads: int | None = None) -> "Vocoder":
        """Opens a run's folder, a SavedModel, a `.tflite`, `.keras` or `.npz` by looking at it.

        Of a run, the best checkpoint speaks, or the last where there is no best one yet; with the
        averaged weights, if the run averages them.

        Args:
            path: the file or folder, or the name of a voice that ships: "lj-lite".
            threads: of a `.tflite`; by default as many as there are cores.

        Raises:
            UserInputError: the path is missing, foreign or damaged.
            ImportError: the packages that hold such weights are not installed.
        """
        path = voices.resolve(path)
        if not path.exists():
            known = ", ".join(voices.names())
            raise UserInputError(f"{path}: no such file or folder; give {_KINDS}, or {known}")
        with require_extra(str(path)):
            return cls(_opened(path, threads))

    def vocode(self, mel: np.ndarray, source: MelSpec | None = None) -> np.ndarray:
        """Log-mel (frames, n_mels) → float32 (frames · hop,), where ±1 is full scale.

        Args:
            mel: floats, in the convention of `spec`; `tf_melgan.features.adapt` converts others.
            source: what `mel` was made with, where that is known.

        Raises:
            UserInputError: the mel has another convention or shape, or values that `spec` cannot give.
        """
        return self._voice(check_mel(mel, self.spec, source))

    def stream(self) -> "VocoderStream":
        """A stream: `push` mels of any number of frames, play what comes, and `finish`.

        Altogether the sound is that of `vocode`: of a `.tflite` to the bit, however the frames
        were cut; but of MelGAN's generators in int8-dynamic nearly.
        """
        return VocoderStream(self._voice.stream(), self.spec)

    def vocode_file(
        self,
        source: str | Path,
        target: str | Path,
        subtype: str = "PCM_16",
        advance: Callable[[int], None] = lambda frames: None,
    ) -> "WavWriter":
        """A file's sound into a wav, piece by piece, in memory that does not grow.

        Args:
            source: a `.npy` of mels (frames, n_mels), or a recording.
            target: the wav; it appears whole or not at all.
            subtype: "PCM_16", or "FLOAT" for what was not clipped.
            advance: called with the number of frames after each piece.

        Raises:
            UserInputError: as `vocode` does, naming the file.
        """
        # A device that runs voices on mels alone has no package for sound files.
        from tf_melgan.audio.mel_files import iter_chunks
        from tf_melgan.audio.sound_files import wav_writer

        pieces = iter_chunks(source, self.spec)
        # What is wrong with the file mostly shows here, before anything is written.
        first = next(pieces)
        with wav_writer(target, self.spec.sample_rate, subtype) as written:
            stream = self._voice.stream()
            for mel in itertools.chain([first], pieces):
                written.add(stream.push(mel))
                advance(len(mel))
            written.add(stream.finish())
        return written


class VocoderStream:
    """See `Vocoder.stream`."""

    def __init__(self, stream: Stream, spec: MelSpec):
        self._stream, self._spec = stream, spec

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel (frames, n_mels), one frame or more → float32 (samples,), perhaps none yet.

        Raises:
            UserInputError: as `Vocoder.vocode` does; the stream is as it was before.
        """
        return self._stream.push(check_mel(mel, self._spec))

    def finish(self) -> np.ndarray:
        """The rest of the sound, float32 (samples,); the stream is then as new."""
        return self._stream.finish()


def _opened(path: Path, threads: int | None) -> Voice:
    if (path / "saved_model.pb").exists():
        from tf_melgan.inference.engines.saved_model import SavedModelEngine

        return SavedModelEngine(path)
    if path.is_dir() or path.suffix in (".keras", ".npz"):
        from tf_melgan.inference.engines.keras_engine import KerasEngine

        return KerasEngine.open(path)
    with path.open("rb") as file:
        start = file.read(8)
    if start[4:] != b"TFL3":
        raise UserInputError(f"{path}: is not a voice; give {_KINDS}")
    from tf_melgan.inference.engines.litert import LiteRTEngine

    return LiteRTEngine(path, threads)
