"""Vocodes mel frames as they come, and plays the sound while the rest is still to come.

    pip install sounddevice
    python examples/stream_to_sound_card.py recording.wav
    python examples/stream_to_sound_card.py recording.wav --out streamed.wav    # without a device

The log-mel of a recording stands for an acoustic model that gives a few frames at a time. The sound
is bit-identical to that of the whole mel at once, whatever the size of the chunks.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tf_melgan import Vocoder, load_audio, log_mel
from tf_melgan.audio.sound_files import sound_writer

Play = Callable[[np.ndarray], None]
"""Takes float32 (samples,), and returns when there is room for more."""


@contextmanager
def sound_card(rate: int) -> Iterator[Play]:
    """Plays on the default device."""
    import sounddevice

    with sounddevice.OutputStream(samplerate=rate, channels=1, dtype="float32") as device:

        def play(audio: np.ndarray) -> None:
            if device.write(audio[:, None]):
                print("the sound broke off: the next chunk came too late")

        yield play


@contextmanager
def wav(path: Path, rate: int) -> Iterator[Play]:
    """Writes to a file instead."""
    with sound_writer(path, rate) as writer:
        yield writer.add


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recording", type=Path)
    parser.add_argument("--voice", default="lj-lite", help="a .tflite, or one that ships")
    parser.add_argument("--frames", type=int, default=16, help="in a chunk (default: 16)")
    parser.add_argument("--threads", type=int, default=1, help="(default: 1)")
    parser.add_argument("--out", type=Path, help="a wav to write, in place of a sound card")
    arguments = parser.parse_args()

    vocoder = Vocoder.load(arguments.voice, threads=arguments.threads)
    spec = vocoder.spec
    mel = log_mel(load_audio(arguments.recording, spec.sample_rate), spec)  # (frames, bands)
    chunks = [mel[i : i + arguments.frames] for i in range(0, len(mel), arguments.frames)]

    stream, seconds = vocoder.stream(), []
    output = wav(arguments.out, spec.sample_rate) if arguments.out else sound_card(spec.sample_rate)
    with output as play:
        for chunk in chunks:
            start = time.perf_counter()
            audio = stream.push(chunk)  # float32 (samples,), none until the lookahead is there
            seconds.append(time.perf_counter() - start)
            if len(audio):
                play(audio)
        play(stream.finish())
    lasts = arguments.frames * spec.hop / spec.sample_rate
    print(
        f"{len(chunks)} chunks of {1000 * lasts:.0f} ms; "
        f"one took {1000 * np.median(seconds):.1f} ms, at most {1000 * max(seconds):.1f}"
    )


if __name__ == "__main__":
    main()
