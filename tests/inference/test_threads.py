"""One vocoder in many Python threads gives the output of one thread, streamed or not."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import generators

from tf_melgan.inference.vocoder import Vocoder

pytest.importorskip("tensorflow")
THREADS, CALLS = 8, 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One generator, exported for each engine."""
    from tf_melgan.export import export_saved_model, export_tflite
    from tf_melgan.inference.engines.keras_engine import KerasEngine

    folder = tmp_path_factory.mktemp("voices")
    geometry = generators.GEOMETRIES["paper"]
    generator, spec = generators.generator(geometry), generators.spec(geometry)
    export_tflite(generator, spec, folder / "voice.tflite")
    export_saved_model(generator, spec, folder / "served")
    KerasEngine(generator, spec).save(folder / "voice.keras")
    return folder


def streamed(vocoder: Vocoder, mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The output of a stream that gets the mel in chunks of random sizes."""
    stream = vocoder.stream()
    ends = np.sort(rng.integers(1, len(mel), 3))
    chunks = [chunk for chunk in np.split(mel, ends) if len(chunk)]
    return np.concatenate([*(stream.push(chunk) for chunk in chunks), stream.finish()])


@pytest.mark.parametrize("name", ["voice.tflite", "served", "voice.keras"])
def test_eight_threads_give_the_output_of_one(folder: Path, name: str):
    vocoder = Vocoder.load(folder / name, threads=1)
    mels = [generators.mels(frames, seed=frames) for frames in (3, 20, 33, 75)]
    expected = [vocoder.vocode(mel) for mel in mels]
    largest, failures = [0.0] * THREADS, []

    def work(thread: int) -> None:
        rng = np.random.default_rng(thread)
        for call in range(CALLS):
            index = int(rng.integers(len(mels)))
            # Threads alternate, and half of them begin with a stream.
            full = (thread + call) % 2
            try:
                mel = mels[index]
                sound = vocoder.vocode(mel) if full else streamed(vocoder, mel, rng)
                difference = float(np.abs(sound - expected[index]).max())
            except Exception as error:
                failures.append(repr(error))
            else:
                largest[thread] = max(largest[thread], difference)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    # Only a .tflite voice guarantees streams that are bit-identical to one call.
    scale = max(float(np.abs(sound).max()) for sound in expected)
    assert max(largest) <= (0.0 if name.endswith(".tflite") else 1e-5 * scale)


def test_interleaved_streams_do_not_mix(folder: Path):
    vocoder = Vocoder.load(folder / "voice.tflite", threads=1)
    mels = [generators.mels(40, seed=index) for index in range(8)]
    streams, parts = [vocoder.stream() for _ in mels], [[] for _ in mels]
    for start in range(0, 40, 5):
        for stream, mel, part in zip(streams, mels, parts, strict=True):
            part.append(stream.push(mel[start : start + 5]))
    for stream, mel, part in zip(streams, mels, parts, strict=True):
        np.testing.assert_array_equal(np.concatenate([*part, stream.finish()]), vocoder.vocode(mel))


def test_threads_share_one_interpreter_for_each_core(folder, monkeypatch):
    from tf_melgan.inference.engines import litert

    opened = []
    original = litert.Interpreter

    def interpreter(**settings: object) -> object:
        opened.append(settings)
        return original(**settings)

    monkeypatch.setattr(litert, "Interpreter", interpreter)
    vocoder = Vocoder.load(folder / "voice.tflite", threads=1)
    mel = generators.mels(300)
    with ThreadPoolExecutor(16) as pool:
        sounds = list(pool.map(vocoder.vocode, [mel] * 64))
    assert 1 <= len(opened) <= os.cpu_count()
    for sound in sounds:
        np.testing.assert_array_equal(sound, sounds[0])


@pytest.mark.parametrize(("threads", "expected"), [(None, os.cpu_count()), (1, 1), (3, 3)])
def test_an_interpreter_uses_all_cores_by_default(folder, monkeypatch, threads, expected):
    from tf_melgan.inference.engines import litert

    requested = []
    original = litert.Interpreter

    def interpreter(**settings: object) -> object:
        requested.append(settings["num_threads"])
        return original(**settings)

    monkeypatch.setattr(litert, "Interpreter", interpreter)
    Vocoder.load(folder / "voice.tflite", threads=threads)
    assert requested == [expected]
