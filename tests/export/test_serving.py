"""The server in export/clients/serving: batching, exact results and error messages."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from helpers import generators, serving

pytest.importorskip("ray", reason="make serving installs it")
from tf_melgan.export.saved_model import export_saved_model
from tf_melgan.inference.engines.saved_model import SavedModelEngine

pytestmark = pytest.mark.slow
SERVING = serving.FOLDER
START_SECONDS = 120
FRAME = [-1.0] * 10


client = serving.module("client")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "voice" / "1"
    geometry = generators.GEOMETRIES["lite"]
    export_saved_model(generators.generator(geometry), generators.spec(geometry), path)
    return path


@pytest.fixture(scope="module")
def started(folder, tmp_path_factory):
    """The address of a server that serves the voice, and its process."""
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
        yield url, psutil.Process(server.pid)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


@pytest.fixture(scope="module")
def url(started):
    return started[0]


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
    "infinite": (
        _request([[[1e39] * 10]], [1]),
        "mel holds infinite values; give finite float32 ones",
    ),
    "fraction": (_request([[FRAME]], [0.5]), "lengths holds values that are not int32"),
    "beyond int32": (
        _request([[FRAME]], [2**32 + 1]),
        "lengths holds values that are not int32",
    ),
    "booleans": (_request([[[True] * 10]], [1]), "mel holds values that are not float32"),
    "a boolean": (
        _request([[[*FRAME[1:], False]]], [1]),
        "mel holds values that are not float32",
    ),
    "a boolean length": (_request([[FRAME]], [True]), "lengths holds values that are not int32"),
    "beyond float64": (
        _request([[FRAME]], [1]).replace("-1.0", "1e999"),
        "the request is not JSON (number is infinity",
    ),
    "nested": ("[" * 100_000, "the request is not JSON (depth limit exceeded"),
    "an infinite waveform": (
        json.dumps({"signature_name": "log_mel", "inputs": {"waveform": [[0.1, -1e39]]}}),
        "waveform holds infinite values; give finite float32 ones",
    ),
    "a long waveform": (
        json.dumps({"signature_name": "log_mel", "inputs": {"waveform": [[0.1] * 524_289]}}),
        "waveform has 1 rows of 2049 frames; give at most 64 rows, and 2048 frames in all",
    ),
    "many rows": (
        _request([[FRAME]] * 65, [1] * 65),
        "mel has 65 rows of 1 frames; give at most 64 rows, and 2048 frames in all",
    ),
    "padding": (
        _request([[FRAME] * 1100] * 2, [1, 1]),
        "mel has 2 rows of 1100 frames; give at most 64 rows, and 2048 frames in all",
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
        "mel has 1 rows of 2049 frames; give at most 64 rows, and 2048 frames in all",
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


def test_all_ports_are_bound_to_loopback(started):
    _, server = started
    addresses = {
        connection.laddr.ip
        for process in (server, *server.children(recursive=True))
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_a_hundred_clients_at_once_are_answered_within_a_second(url):
    body = _request(generators.mels(40).round(3)[None].tolist(), [40]).encode()

    def timed(_: int) -> tuple[int, float]:
        start = time.perf_counter()
        try:
            client.Client(url).send(body)
            status = 200
        except RuntimeError as error:
            status = int(str(error).split()[0])
        return status, time.perf_counter() - start

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(timed, range(300)))
    statuses = [status for status, _ in answers]
    assert set(statuses) <= {200, 503} and statuses.count(200) >= 32
    assert max(seconds for _, seconds in answers) < 1
    assert client.Client(url).send(body)


def test_memory_stays_bounded_under_abuse(started):
    url, server = started
    junk = [b"x" * 100_000_000, b'{"inputs": {"mel": [' + b"[]," * 2_000_000 + b"[]]}}"]
    junk.append(_request([[FRAME]], [1]).encode().ljust(12_000_000))
    before = _memory(server)
    most = before

    def send(body: bytes) -> int:
        try:
            client.Client(url).send(body)
            return 200
        except RuntimeError as error:
            return int(str(error).split()[0])

    with ThreadPoolExecutor(12) as pool:
        sent = [pool.submit(send, junk[i % 3]) for i in range(48)]
        while not all(request.done() for request in sent):
            most = max(most, _memory(server))
            time.sleep(0.1)
    assert {request.result() for request in sent} <= {200, 400, 413, 503}
    assert most - before < 600 * 2**20


def _memory(server: psutil.Process) -> int:
    """The memory of a server's processes in bytes."""
    total = 0
    for process in (server, *server.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().uss
    return total


def test_a_folder_that_is_no_voice_is_refused(tmp_path):
    command = [sys.executable, SERVING / "ray_server.py", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"{tmp_path}: is not a tf-melgan voice")
