"""The client in export/clients/serving: files and servers that are wrong get one line."""

import json
import subprocess
import sys
import wave
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest
from helpers import serving

client = serving.module("client")
SPEC = json.dumps({"outputs": json.dumps({"sample_rate": 22050})}).encode()


@contextmanager
def server(*answers: bytes):
    """The address of a server that gives these answers in turn."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(left.pop(0))

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def run(url, source, target) -> tuple[int, list[str]]:
    command = [sys.executable, serving.FOLDER / "client.py", url, source, target]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr.splitlines()


def answer(audio: str, samples: int) -> bytes:
    return b'{"outputs": {"audio": [%s], "samples": [%d]}}' % (audio.encode(), samples)


@pytest.fixture
def mel(tmp_path):
    np.save(tmp_path / "mel.npy", np.zeros((2, 80), np.float32))
    return tmp_path / "mel.npy"


def test_the_waveform_is_written(mel, tmp_path):
    with server(SPEC, answer("[0.25, -0.5, 0, 0]", 3)) as url:
        assert run(url, mel, tmp_path / "out.wav") == (0, [])
    assert client.read_wav(str(tmp_path / "out.wav"), 22050).tolist() == [0.25, -0.5, 0]


BAD_ANSWERS = {
    "a page": (b"<html>", 'the response is not {"outputs": …}; is this a voice\'s server?'),
    "other JSON": (b"[]", 'the response is not {"outputs": …}; is this a voice\'s server?'),
    "no waveform": (b'{"outputs": 3}', "the response is not one of the signature padded"),
    "words": (answer('["loud"]', 1), "the response is not one of the signature padded"),
    "null": (answer("[null]", 1), "the response holds samples that are not finite"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_wrong_answer_gets_one_line_and_no_file(mel, tmp_path, name):
    content, reason = BAD_ANSWERS[name]
    with server(SPEC, content) as url:
        assert run(url, mel, tmp_path / "out.wav") == (2, [f"{url}: {reason}"])
    assert not (tmp_path / "out.wav").exists()


def test_a_server_that_is_not_there_gets_one_line(mel, tmp_path):
    code, (line,) = run("http://127.0.0.1:1", mel, tmp_path / "out.wav")
    assert (code, line.partition(" (")[0]) == (
        2,
        "http://127.0.0.1:1: the server does not answer",
    )


def npy(shape: bytes) -> bytes:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % shape
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(640)


NO_NPY = "is not a .npy file of numbers, or is damaged"
BAD_MELS = {
    "empty": (b"", NO_NPY),
    "text": (b"-1.0 -2.0", NO_NPY),
    "cut": (npy(b"(2, 80)")[:-1], NO_NPY),
    "huge": (npy(b"(99999999999, 80)"), NO_NPY),
    "negative": (npy(b"(-2, 80)"), NO_NPY),
    "no shape": (npy(b"2"), NO_NPY),
}


@pytest.mark.parametrize("name", BAD_MELS)
def test_bad_mels_are_refused(tmp_path, name):
    content, reason = BAD_MELS[name]
    path = tmp_path / "mel.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        client.read_mel(str(path))
    assert str(caught.value) == f"{path}: {reason}"


def test_several_arrays_are_refused(tmp_path):
    with (tmp_path / "mel.npy").open("wb") as file:
        np.savez(file, first=np.zeros(3), second=np.zeros(3))
    with pytest.raises(ValueError, match=r"holds several arrays; give a \.npy file with one"):
        client.read_mel(str(tmp_path / "mel.npy"))


def wav(samples: bytes, channels: int = 1) -> bytes:
    size = len(samples)
    form = b"\x01\x00" + channels.to_bytes(2, "little") + (22050).to_bytes(4, "little")
    form += (44100 * channels).to_bytes(4, "little") + (2 * channels).to_bytes(2, "little")
    head = b"WAVEfmt " + (16).to_bytes(4, "little") + form + b"\x10\x00data"
    content = head + size.to_bytes(4, "little") + samples
    return b"RIFF" + len(content).to_bytes(4, "little") + content


BAD_WAVS = {
    "empty": (b"", "is not a wav file, or is damaged; copy it again"),
    "text": (b"no sound", "is not a wav file, or is damaged; copy it again"),
    "stereo": (wav(bytes(8), 2), "give a wav of 16 bits, one channel and 22050 Hz"),
    "cut": (wav(bytes(1000))[:-900], "is cut off before its 500 samples; copy it again"),
}


@pytest.mark.parametrize("name", BAD_WAVS)
def test_bad_wavs_are_refused(tmp_path, name):
    content, reason = BAD_WAVS[name]
    path = tmp_path / "speech.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        client.read_wav(str(path), 22050)
    assert str(caught.value) == f"{path}: {reason}"
    path.write_bytes(wav(bytes(1000)))
    with wave.open(str(path)) as file:
        assert file.getnframes() == len(client.read_wav(str(path), 22050)) == 500
