"""Prepared recordings as training batches, whose mels are those of the whole utterance.

Which utterance, where in it and how loud: each segment is a pure function of the seed, the step
and its slot in the batch. Resuming at a step is starting there; there is no position to store.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_melgan.audio.mel_keras import keras_log_mel_valid
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.data.prepared import HEADER, Prepared, Utterance
from tf_melgan.data.sampling import Arithmetic, Sampler
from tf_melgan.errors import UserInputError

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
    """Endless training batches: (log-mel, waveform), for the Keras backend in use.

    On TensorFlow a `tf.data.Dataset` that reads the files in graph; on JAX an iterator that
    reads them by memory map and computes mels on the device, without TensorFlow. Batch n is the
    same whatever step the iteration starts from, on either.

    Args:
        batch: segments in a batch.
        segment: samples in a segment, a multiple of the hop.
        seed: of the choice of segments and gains.
        gain: lowest and highest factor on the stored audio, which peaks at 0.95.
        silence_probability: share of segments that are silenced.
        start_probability: share of segments that are put where their utterance begins.
        start_step: the first batch's number.
        split: "train" or "validation".

    Yields:
        log-mel float32 (batch, segment / hop, n_mels) and waveform float32 (batch, segment, 1).

    Raises:
        UserInputError: no utterance is long enough, or `segment` is no multiple of the hop.
    """
    import keras

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
    if not sampler.starts:
        raise UserInputError(
            f"{prepared.folder}: the longest of {len(utterances)} utterances to {split} on has "
            f"{lengths.max(initial=0)} samples, under training.segment {segment}; give longer "
            "recordings or a shorter segment"
        )
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
        """Samples to read for a segment: with both margins."""
        return self.segment + 2 * self.prepared.spec.margin


def _scaled(windows: Any, gain: Any, spec: MelSpec) -> tuple[Any, Any]:
    """int16 (batch, window) and float32 (batch,) → log-mel and waveform of a batch."""
    from keras import ops

    audio = ops.cast(windows, "float32") * (gain[:, None] / 32768)
    inner = audio[:, spec.margin : audio.shape[1] - spec.margin, None]
    return keras_log_mel_valid(audio, spec), inner


def _tensorflow_batches(source: _Source) -> Any:
    import tensorflow as tf

    prepared, spec = source.prepared, source.prepared.spec
    by = Arithmetic(
        uint64=lambda value: tf.cast(value, tf.uint64),
        int64=lambda value: tf.cast(value, tf.int64),
        float32=lambda value: tf.cast(value, tf.float32),
        shift=tf.bitwise.right_shift,
        xor=tf.bitwise.bitwise_xor,
        take=tf.gather,
        search=lambda ends, values: tf.searchsorted(ends, values, side="right"),
    )
    places = tf.constant([prepared.place(utterance) for utterance in source.utterances])

    def compute(step: Any) -> tuple:
        utterance, start, gain = source.sampler.draw(step * source.batch, source.batch, by)
        files = tf.gather(places, utterance)

        def read(slot: Any) -> Any:
            content = tf.io.read_file(files[slot])
            return tf.strings.substr(content, HEADER + 2 * start[slot], 2 * source.window)

        windows = tf.map_fn(read, tf.range(source.batch), fn_output_signature=tf.string)
        windows = tf.io.decode_raw(windows, tf.int16)
        return _scaled(tf.ensure_shape(windows, (source.batch, source.window)), gain, spec)

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

    prepared, spec = source.prepared, source.prepared.spec

    @jax.jit
    def compute(windows: Any, gain: Any) -> tuple:
        # Accelerators round the factors of a float32 product to fewer bits unless told not to.
        with jax.default_matmul_precision("highest"):
            return _scaled(windows, gain, spec)

    def one(step: int) -> tuple:
        utterances, starts, gain = source.sampler.draw(step * source.batch, source.batch)
        windows = [
            prepared.window(source.utterances[utterance], start, source.window)
            for utterance, start in zip(utterances, starts, strict=True)
        ]
        return compute(np.stack(windows), gain)

    def ahead() -> Iterator[tuple]:
        step = source.start_step
        pool = ThreadPoolExecutor(1)
        try:
            waiting = deque(pool.submit(one, step + index) for index in range(_AHEAD))
            while True:
                batch = waiting.popleft().result()
                waiting.append(pool.submit(one, step + _AHEAD))
                step += 1
                yield batch
        finally:
            pool.shutdown(cancel_futures=True)

    return ahead()
