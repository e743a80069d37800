"""The server in export/clients/serving: batching, exact results and error messages."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import generators

pytest.importorskip("ray", reason="make serving installs it")
from tf_melgan.export.saved_model import export_saved_model
from tf_melgan.inference.engines.saved_model import SavedModelEngine

pytestmark = pytest.mark.slow
SERVING = Path(__file__).parents[2] / "export" / "clients" / "serving"
START_SECONDS = 120
FRAME = [-1.0] * 10


def _client_module():
    spec = importlib.util.spec_from_file_location("client", SERVING / "client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


client = _client_module()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "voice" / "1"
    geometry = generators.GEOMETRIES["lite"]
    export_saved_model(generators.generator(geometry), generators.spec(geometry), path)
    return path


@pytest.fixture(scope="module")
def url(folder, tmp_path_factory):
    """The address of a server that serves the voice."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "HOME": str(home), "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, SERVING / "ray_server.py", folder, "--port", str(port)]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
    try:
        while not _answers(url):
            assert server.poll() is None and time.monotonic() < end, (home / "log").read_text()
            time.sleep(1)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def _answers(url):
    try:
        return _status(url)["model_version_status"][0]["state"] == "AVAILABLE"
    except OSError:
        return False


def _status(url):
    with urllib.request.urlopen(f"{url}/v1/models/voice", timeout=5) as response:
        return json.load(response)


def test_requests_of_different_lengths_are_batched_without_changing_results(url, folder):
    voice, server = SavedModelEngine(folder), client.Client(url)
    mels = [
        generators.mels(frames, seed=frames) for frames in [1, 2, 5, 13, 14, 30, 61, 100, 200] * 4
    ]
    server.vocode(mels[0])
    before = _status(url)["batches"]
    with ThreadPoolExecutor(12) as pool:
        sounds = list(pool.map(server.vocode, mels))
    after = _status(url)["batches"]
    for mel, sound in zip(mels, sounds, strict=True):
        expected = voice.full(mel)
        assert sound.shape == expected.shape
        assert np.abs(sound - expected).max() <= 1e-5
    assert after["mels"] - before["mels"] == len(mels)
    assert after["count"] - before["count"] < len(mels)


def test_a_request_may_hold_a_batch(url, folder):
    mels = [generators.mels(frames, seed=frames) for frames in (4, 20)]
    batch = np.zeros((2, 20, 10))
    for row, mel in zip(batch, mels, strict=True):
        row[: len(mel)] = mel
    outputs = client.Client(url).call("padded", mel=batch.tolist(), lengths=[4, 20])
    voice, audio = SavedModelEngine(folder), np.array(outputs["audio"])
    assert outputs["samples"] == [4 * voice.spec.hop, 20 * voice.spec.hop]
    for mel, sound in zip(mels, audio, strict=True):
        end = len(mel) * voice.spec.hop
        assert np.abs(sound[:end] - voice.full(mel)).max() <= 1e-5
        assert not sound[end:].any()


def _request(mel, lengths):
    return json.dumps({"signature_name": "padded", "inputs": {"mel": mel, "lengths": lengths}})


_FORM = 'the request is not {"signature_name": …, "inputs": {name: values, …}}'
BAD = {
    "not JSON": ("{", "the request is not JSON (unexpected end of data"),
    "NaN": (_request([[[float("nan")] * 10]], [1]), "the request is not JSON (unexpected"),
    "no request": ("[1]", _FORM),
    "no inputs": ('{"inputs": 3}', _FORM),
    "other signature": (
        '{"signature_name": "speak", "inputs": {}}',
        "signature_name is 'speak'; choose padded, log_mel, mel_spec",
    ),
    "no lengths": (
        '{"signature_name": "padded", "inputs": {"mel": []}}',
        "inputs are ['mel']; padded takes ['lengths', 'mel']",
    ),
    "no batch": (_request([FRAME], [1]), "mel has shape (1, 10); give (any, any, 10)"),
    "wrong bands": (
        _request([[FRAME[1:]]], [1]),
        "mel has shape (1, 1, 9); give (any, any, 10)",
    ),
    "empty": (_request([[]], [1]), "mel has shape (1, 0); give (any, any, 10)"),
    "ragged": (_request([[FRAME, FRAME[1:]]], [2]), "mel has rows of different lengths"),
    "words": (_request([[["low"] * 10]], [1]), "mel holds values that are not float32"),
    "infinite": (_request([[[1e39] * 10]], [1]), "mel: holds NaN or infinite values"),
    "fraction": (_request([[FRAME]], [0.5]), "lengths holds values that are not int32"),
    "beyond int32": (
        _request([[FRAME]], [2**32 + 1]),
        "lengths holds values that are not int32",
    ),
    "too long": (_request([[FRAME]], [2]), "lengths are [2]; give 1 to 1 frames"),
    "too short": (_request([[FRAME]], [0]), "lengths are [0]; give 1 to 1 frames"),
    "lengths of others": (
        _request([[FRAME]], [1, 1]),
        "lengths has shape (2,) and mel (1, 1, 10); give one each",
    ),
    "power": (_request([[[9.0] * 10]], [1]), "mel: goes from 9.00 to 9.00, but log10 of mag"),
    "an hour": (
        _request([[FRAME] * 2049], [2049]),
        "lengths are [2049]; give 1 to 2048 frames",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_get_a_reason(url, name):
    body, reason = BAD[name]
    with pytest.raises(RuntimeError) as caught:
        client.Client(url).send(body.encode())
    status, _, answer = str(caught.value).partition(": ")
    assert status == "400 Bad Request"
    assert json.loads(answer)["error"].startswith(reason)


def test_the_client_vocodes_a_wav_file(url, folder, tmp_path):
    voice = SavedModelEngine(folder)
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 30 * voice.spec.hop - 9)
    source, target = str(tmp_path / "in.wav"), str(tmp_path / "out.wav")
    client.write_wav(source, sound, voice.spec.sample_rate)
    subprocess.run([sys.executable, SERVING / "client.py", url, source, target], check=True)
    mel = client.Client(url).log_mel(client.read_wav(source, voice.spec.sample_rate))
    vocoded = client.read_wav(target, voice.spec.sample_rate)
    assert vocoded.shape == (30 * voice.spec.hop,)
    # Half a step of 16 bits, plus the tolerance of the server's results.
    assert np.abs(vocoded - voice.full(mel)).max() <= 0.5 / 32768 + 1e-5


def test_the_load_test_checks_each_result(url, folder):
    command = [sys.executable, SERVING / "load.py", url, folder, "--clients", "4"]
    done = subprocess.run([*command, "--requests", "3"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "12 requests of 4 clients" in done.stdout and "mels per batch" in done.stdout
