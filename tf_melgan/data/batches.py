"""Training batches from prepared recordings.

The mel of a segment equals the same frames of the whole utterance's mel: of its own, or of the one
that was given to `prepare`. The utterance, the start
and the gain of a segment depend only on the seed, the step and the slot in the batch. To resume
training, start at a step; no position has to be stored.
"""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_melgan.audio.mel_keras import keras_log_mel_valid
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.data.given_mels import quieter
from tf_melgan.data.prepared import HEADER, Prepared, Utterance
from tf_melgan.data.sampling import Arithmetic, Sampler
from tf_melgan.errors import UserInputError, require_range

__all__ = ["Prepared", "Utterance", "segments"]

_AHEAD = 4


def segments(
    prepared: Prepared,
    batch: int,
    segment: int,
    seed: int,
    gain: tuple[float, float] = (0.3, 1.0),
    silence_probability: float = 0.0,
    start_probability: float = 0.0,
    start_step: int = 0,
    split: str = "train",
) -> Iterable:
    """Returns endless batches of (log-mel, waveform) for the current Keras backend.

    Where mels were given to `prepare`, they are the batches' mels, at the level of each segment.

    On TensorFlow this is a `tf.data.Dataset` that reads the files in graph. On JAX it is an
    iterator that memory-maps the files and computes mels on the device, without TensorFlow. On
    both, batch n does not depend on the step that the iteration starts from. An utterance shorter
    than a segment is followed by silence.

    Args:
        prepared: the prepared folder.
        batch: segments per batch.
        segment: samples per segment, a multiple of the hop.
        seed: seed of the choice of segments and gains.
        gain: lowest and highest factor on the stored audio, whose recordings peak at 0.95.
        silence_probability: probability that a segment is replaced by silence.
        start_probability: probability that a segment is taken from the start of its utterance.
        start_step: number of the first batch.
        split: "train" or "validation".

    Yields:
        Log-mel float32 (batch, segment / hop, n_mels) and waveform float32 (batch, segment, 1).

    Raises:
        UserInputError: the split has no utterance, a file is damaged, `segment` is not a multiple
            of the hop, `batch` is below 1, or Keras runs on another backend.

    Examples:
        >>> data = tf_melgan.Prepared.open("prepared")
        >>> batches = tf_melgan.segments(data, batch=16, segment=8192, seed=0)
        >>> mel, waveform = next(iter(batches))
    """
    import keras

    require_range("batch", batch, 1, math.inf)
    if segment < 1 or segment % prepared.spec.hop:
        raise UserInputError(
            f"training.segment is {segment} samples; it must be a multiple of the hop "
            f"{prepared.spec.hop} that {prepared.folder} was prepared for"
        )
    utterances = prepared.utterances(split)
    lengths = np.array([utterance.samples for utterance in utterances], np.int64)
    sampler = Sampler(
        prepared.spec.hop, segment, lengths, seed, gain, silence_probability, start_probability
    )
    if not utterances:
        raise UserInputError(
            f"{prepared.folder}: has no {split} utterances; prepare it with recordings for them"
        )
    prepared.verify(quick=True)
    source = _Source(prepared, utterances, sampler, batch, segment, start_step)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _tensorflow_batches(source)
    if backend == "jax":
        return _jax_batches(source)
    raise UserInputError(f"KERAS_BACKEND is {backend}; choose tensorflow or jax")


@dataclass(frozen=True)
class _Source:
    prepared: Prepared
    utterances: list[Utterance]
    sampler: Sampler
    batch: int
    segment: int
    start_step: int

    @property
    def window(self) -> int:
        """Samples to read for a segment, including both margins."""
        return self.segment + 2 * self.prepared.spec.margin

    @property
    def has_mels(self) -> bool:
        """Whether mels were given, in place of the utterances' own."""
        return self.utterances[0].mel_sha256 is not None

    @property
    def frames(self) -> int:
        """Frames of a segment."""
        return self.segment // self.prepared.spec.hop

    @property
    def given_frames(self) -> np.ndarray:
        """Frames that an utterance fills of a segment, int64 (utterances,); silence follows."""
        samples = np.array([utterance.samples for utterance in self.utterances], np.int64)
        return np.minimum(samples, self.segment) // self.prepared.spec.hop

    @property
    def lengths(self) -> np.ndarray:
        """Samples of the window that an utterance fills, int64 (utterances,); silence follows.

        The margin at the end of a short utterance, its reflection, is left out.
        """
        samples = np.array([utterance.samples for utterance in self.utterances], np.int64)
        short = samples < self.segment
        return np.where(short, self.prepared.spec.margin + samples, self.window)


@dataclass(frozen=True)
class _Given:
    """Given mels float32 (batch, frames, n_mels), of which the first `filled` (batch,) count."""

    mel: Any
    filled: Any


def _scaled(windows: Any, gain: Any, spec: MelSpec, given: _Given | None) -> tuple[Any, Any]:
    """Converts int16 (batch, window) and gains float32 (batch,) to log-mel and waveform."""
    from keras import ops

    audio = ops.cast(windows, "float32") * (gain[:, None] / 32768)
    waveform = audio[:, spec.margin : audio.shape[1] - spec.margin, None]
    if given is None:
        # Centered frames are one more than hops.
        return keras_log_mel_valid(audio, spec)[:, : waveform.shape[1] // spec.hop], waveform
    mel = quieter(given.mel, gain[:, None, None], spec, by=ops)
    filled = ops.arange(mel.shape[1], dtype=given.filled.dtype) < given.filled[:, None]
    return ops.where(filled[:, :, None], mel, np.float32(spec.log_floor)), waveform


def _tensorflow_batches(source: _Source) -> Any:
    import tensorflow as tf

    prepared, spec = source.prepared, source.prepared.spec
    arithmetic = Arithmetic(
        uint64=lambda value: tf.cast(value, tf.uint64),
        int64=lambda value: tf.cast(value, tf.int64),
        float32=lambda value: tf.cast(value, tf.float32),
        shift=tf.bitwise.right_shift,
        xor=tf.bitwise.bitwise_xor,
        take=tf.gather,
        search=lambda ends, values: tf.searchsorted(ends, values, side="right"),
    )

    def constants(place: Callable[[Utterance], str]) -> Any:
        return tf.constant([os.fsencode(place(item)) for item in source.utterances])

    sounds, lengths = constants(prepared.place), tf.constant(source.lengths)
    mels, frames = constants(prepared.mel_place), tf.constant(source.given_frames)

    def read(files: Any, first: Any, count: Any, most: int, dtype: Any) -> Any:
        """Values `first` to `first + count` of each file; zeros follow, up to `most`."""

        def content(slot: Any) -> Any:
            begin, size = HEADER + dtype.size * first[slot], dtype.size * count[slot]
            return tf.strings.substr(tf.io.read_file(files[slot]), begin, size)

        parts = tf.map_fn(content, tf.range(source.batch), fn_output_signature=tf.string)
        values = tf.io.decode_raw(parts, dtype, fixed_length=dtype.size * most)
        return tf.ensure_shape(values, (source.batch, most))

    def rows(utterance: Any, start: Any) -> _Given:
        files, filled = tf.gather(mels, utterance), tf.gather(frames, utterance)
        first, most = start // spec.hop * spec.n_mels, source.frames * spec.n_mels
        values = read(files, first, filled * spec.n_mels, most, tf.float32)
        return _Given(tf.reshape(values, (source.batch, source.frames, spec.n_mels)), filled)

    def compute(step: Any) -> tuple:
        utterance, start, gain = source.sampler.draw(step * source.batch, source.batch, arithmetic)
        files, sizes = tf.gather(sounds, utterance), tf.gather(lengths, utterance)
        windows = read(files, start, sizes, source.window, tf.int16)
        return _scaled(windows, gain, spec, rows(utterance, start) if source.has_mels else None)

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return (
        tf.data.Dataset.counter(source.start_step)
        .map(compute, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(_AHEAD)
        .with_options(options)
    )


def _jax_batches(source: _Source) -> Iterator[tuple]:
    import jax

    prepared, spec, lengths = source.prepared, source.prepared.spec, source.lengths

    @jax.jit
    def compute(windows: Any, gain: Any, given: tuple | None) -> tuple:
        # By default, accelerators round the factors of float32 products to fewer bits.
        with jax.default_matmul_precision("highest"):
            return _scaled(windows, gain, spec, None if given is None else _Given(*given))

    def rows(utterances: np.ndarray, starts: np.ndarray) -> tuple:
        filled = source.given_frames[utterances]
        mels = np.zeros((source.batch, source.frames, spec.n_mels), np.float32)
        for mel, utterance, start, count in zip(mels, utterances, starts, filled, strict=True):
            item = source.utterances[utterance]
            mel[:count] = prepared.mel_rows(item, start // spec.hop, count)
        return mels, filled

    def one(step: int) -> tuple:
        utterances, starts, gain = source.sampler.draw(step * source.batch, source.batch)
        windows = np.zeros((source.batch, source.window), np.int16)
        for window, utterance, start in zip(windows, utterances, starts, strict=True):
            filled = lengths[utterance]
            window[:filled] = prepared.window(source.utterances[utterance], start, filled)
        return compute(windows, gain, rows(utterances, starts) if source.has_mels else None)

    def ahead() -> Iterator[tuple]:
        step = source.start_step
        pool = ThreadPoolExecutor(1)
        try:
            pending = deque(pool.submit(one, step + index) for index in range(_AHEAD))
            while True:
                batch = pending.popleft().result()
                pending.append(pool.submit(one, step + _AHEAD))
                step += 1
                yield batch
        finally:
            pool.shutdown(cancel_futures=True)

    return ahead()
