"""`Vocoder`: log-mel → waveform, with one interface for all voice formats."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tf_melgan import voices
from tf_melgan.audio.conventions import read_mel, warn_if_unlikely
from tf_melgan.audio.mel_conversion import MelConversion
from tf_melgan.audio.mel_sources import MelSource, mel_source
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError, require
from tf_melgan.extras import require_extra
from tf_melgan.inference.converted import ConvertedStream

if TYPE_CHECKING:
    from tf_melgan.audio.sound_files import SoundWriter

Convention = str | MelSpec | MelSource
"""How a convention of mels is given: a name, plain log-mels, or any other."""

_KINDS = "a run's folder, a SavedModel, a .tflite, .onnx, .keras or .npz file"


class Stream(Protocol):
    """Vocodes an utterance in chunks; returns samples as soon as they can be computed."""

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Float32 log-mel (frames, n_mels) → float32 waveform (samples,), possibly empty."""

    def finish(self) -> np.ndarray:
        """The remaining samples, float32 (samples,). Resets the stream for a new utterance."""


class Voice(Protocol):
    """The interface of the engines that a `Vocoder` runs."""

    spec: MelSpec

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        """Float32 log-mel (frames, n_mels) → float32 waveform (frames · hop,)."""

    def stream(self) -> Stream:
        """A stream for a new utterance."""


class Vocoder:
    """Turns log-mel spectrograms into waveforms, with any speaker's mels.

    Create one with `Vocoder.load`.

    Examples:
        >>> vocoder = tf_melgan.Vocoder.load("lj-lite")
        >>> mel = tf_melgan.log_mel(recording, vocoder.spec)
        >>> tf_melgan.write_audio("out.wav", vocoder.vocode(mel), vocoder.spec.sample_rate)

    Args:
        voice: the engine that runs the generator, such as `KerasEngine` or `LiteRTEngine`.

    Attributes:
        spec: the mel convention of the voice; mels must have been computed with it.
    """

    def __init__(self, voice: Voice):
        self.spec, self._voice = voice.spec, voice

    @classmethod
    def load(cls, path: str | Path, threads: int | None = None) -> "Vocoder":
        """Opens a voice; the format is detected from the file or folder.

        From a run, loads the generator of the best checkpoint: the one with the lowest validation
        log-mel distance, or the last one if discriminators take part. If the run averages its
        weights, the averaged ones are used.

        Examples:
            >>> vocoder = tf_melgan.Vocoder.load("runs/voice")
            >>> phone = tf_melgan.Vocoder.load("voice.tflite", threads=1)
            >>> shipped = tf_melgan.Vocoder.load("lj-lite")

        Args:
            path: a run's folder, a SavedModel's folder, a `.tflite`, `.onnx`, `.keras` or `.npz`
                file, or the name of a shipped voice, such as "lj-lite".
            threads: CPU threads for a `.tflite` or `.onnx` file; all cores by default.

        Returns:
            The vocoder.

        Raises:
            UserInputError: the path does not exist, is not a voice, or is damaged.
            ImportError: a package that this format needs is not installed.
        """
        path = voices.resolve(path)
        if not path.exists():
            known = ", ".join(voices.names())
            raise UserInputError(f"{path}: no such file or folder; give {_KINDS}, or {known}")
        with require_extra(str(path)):
            return cls(_opened(path, threads))

    def vocode(self, mel: np.ndarray, source: Convention | None = None) -> np.ndarray:
        """Vocodes a whole utterance.

        Warns with a `MelWarning` if the mel is read in another shape than it has, or is hardly one
        of speech.

        Examples:
            >>> vocoder = tf_melgan.Vocoder.load("lj-lite")
            >>> mel = np.load("mel.npy")
            >>> audio = vocoder.vocode(mel)

        Args:
            mel: mel of any float dtype, (frames, n_mels). A batch axis of 1 and a transposition are
                undone.
            source: the convention of `mel`, if it is not `spec`: a name such as "hifigan", a
                `MelSpec`, or a `MelSource`.

        Returns:
            The waveform, float32 (frames · hop,); full scale is ±1. Of converted mels, that of the
            same duration.

        Raises:
            UserInputError: the shape is wrong, values cannot be those of that convention, or it
                cannot be converted; or the voice gives samples that are NaN or infinite.
        """
        known = self.source(source)
        log_mel = read_mel(mel, known)
        warn_if_unlikely(log_mel, known.spec, named=source is not None)
        if known.spec == self.spec:
            return _finite(self._voice(log_mel))
        stream = self.stream(known).log_mels
        return _finite(np.concatenate([stream.push(log_mel), stream.finish()]))

    def source(self, source: Convention | None) -> MelSource:
        """Returns the convention `source`, or that of the voice if it is None.

        Raises:
            UserInputError: there is no such convention.
        """
        return mel_source(self.spec if source is None else source)

    def stream(self, source: Convention | None = None) -> "VocoderStream":
        """Starts a stream, which vocodes an utterance in chunks of any number of frames.

        The samples of all chunks together equal those of `vocode`. With a `.tflite` file they are
        bit-identical for any chunk sizes; only in int8-dynamic (but for `fourier` generators) and
        for `hifigan` generators in int8 are they nearly equal.

        Examples:
            >>> stream = vocoder.stream()
            >>> chunks = [stream.push(mel[i : i + 8]) for i in range(0, len(mel), 8)]
            >>> audio = np.concatenate([*chunks, stream.finish()])

        Args:
            source: the convention of the mels, as for `vocode`.

        Returns:
            A stream for one utterance; `VocoderStream.finish` resets it for the next one.

        Raises:
            UserInputError: the convention is unknown or cannot be converted.
        """
        known, stream = self.source(source), self._voice.stream()
        if known.spec != self.spec:
            stream = ConvertedStream(stream, MelConversion(known.spec, self.spec))
        return VocoderStream(stream, known)

    def vocode_file(
        self,
        source: str | Path,
        target: str | Path,
        subtype: str = "PCM_16",
        convention: Convention | None = None,
        advance: Callable[[int], None] = lambda frames: None,
    ) -> "SoundWriter":
        """Vocodes a file into a sound file, in chunks; memory does not grow with its length.

        Args:
            source: a `.npy`, `.npz`, `.pt` or `.pth` file with a mel, or a recording.
            target: the `.wav` or `.flac` to write; it is complete or does not exist.
            subtype: "PCM_16", or "FLOAT" for a wav of 32-bit floats without clipping.
            convention: the convention of a mel, as for `vocode`.
            advance: called after each chunk with its number of frames.

        Returns:
            The closed writer, with the number of samples written and clipped.

        Raises:
            UserInputError: the source cannot be read, or as for `vocode`; names the file.
        """
        # Devices that only vocode mels do not need the packages for audio files.
        from tf_melgan.audio.mel_files import holds_mel, iter_chunks
        from tf_melgan.audio.sound_files import sound_writer

        known = self.source(convention) if convention is not None and holds_mel(source) else None
        chunks = iter_chunks(source, self.spec, known)
        # Most errors of the source are raised here, before the target is created.
        first = next(chunks)
        with sound_writer(target, self.spec.sample_rate, subtype) as writer:
            stream = self.stream(known).log_mels
            for mel in itertools.chain([first], chunks):
                writer.add(_finite(stream.push(mel)))
                advance(len(mel))
            writer.add(_finite(stream.finish()))
        return writer


class VocoderStream:
    """Vocodes an utterance in chunks; see `Vocoder.stream`.

    Args:
        stream: takes log-mels of `source.spec`.
        source: the convention of the mels.
    """

    def __init__(self, stream: Stream, source: MelSource):
        self.log_mels, self._source = stream, source
        self._warned = self._bands_first = False

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Adds frames and returns the samples that can be computed now.

        Args:
            mel: the next frames, as for `Vocoder.vocode`; at least one.

        Returns:
            The next samples, float32 (samples,); empty while the first frames are collected.

        Raises:
            UserInputError: as for `Vocoder.vocode`; the stream is unchanged.
        """
        log_mel = read_mel(self._oriented(np.asarray(mel)), self._source)
        self._warned = self._warned or warn_if_unlikely(log_mel, self._source.spec, named=True)
        return _finite(self.log_mels.push(log_mel))

    def _oriented(self, mel: np.ndarray) -> np.ndarray:
        """A chunk of as many frames as bands has the order of axes of the chunk before it."""
        bands = self._source.spec.n_mels
        if mel.shape[-2:] != (bands, bands):
            self._bands_first = mel.shape[-2:-1] == (bands,)
            return mel
        square = mel[0] if mel.ndim == 3 and len(mel) == 1 else mel
        return square.T if self._bands_first else square

    def finish(self) -> np.ndarray:
        """Ends the utterance and resets the stream.

        Returns:
            The remaining samples, float32 (samples,).
        """
        return _finite(self.log_mels.finish())


def _finite(samples: np.ndarray) -> np.ndarray:
    """Returns `samples`, which a damaged or diverged voice may have made NaN or infinite."""
    require(
        bool(np.isfinite(samples).all()),
        "the voice gives samples that are NaN or infinite; train it again from an earlier "
        "checkpoint, or export it again",
    )
    return samples


def _opened(path: Path, threads: int | None) -> Voice:
    if (path / "saved_model.pb").exists():
        from tf_melgan.inference.engines.saved_model import SavedModelEngine

        return SavedModelEngine(path)
    if path.is_dir() or path.suffix in (".keras", ".npz"):
        from tf_melgan.inference.engines.keras_engine import KerasEngine

        return KerasEngine.open(path)
    if path.suffix == ".onnx":
        from tf_melgan.inference.engines.onnx_engine import open_onnx

        return open_onnx(path, threads)
    with path.open("rb") as file:
        header = file.read(8)
    if header[4:] != b"TFL3":
        raise UserInputError(f"{path}: is not a voice; give {_KINDS}")
    from tf_melgan.inference.engines.litert import LiteRTEngine

    return LiteRTEngine(path, threads)
