"""A `.npy` is read if header, size and spec agree, and is else refused before anything is read."""

import numpy as np
import pytest
from helpers.bad_input import assert_user_error

from tf_melgan.audio.mel_files import count_frames, iter_chunks
from tf_melgan.audio.mel_spec import MelSpec

SPEC = MelSpec(n_mels=20)


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    line = text.encode() + b" " * (117 - len(text)) + b"\n"
    return b"\x93NUMPY" + version + len(line).to_bytes(2, "little") + line


def described(shape: str, descr: str = "'<f4'") -> bytes:
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}")


NO_ARRAY = "is not a .npy array; save it with numpy.save"
CASES = {
    "no file of NumPy": (b"text", NO_ARRAY),
    "empty": (b"", NO_ARRAY),
    "archive": (b"PK\x03\x04" + bytes(100), NO_ARRAY),
    "header that never ends": (header("{'descr': '<f4', 'shape': (5, "), NO_ARRAY),
    "long header": (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + bytes(100), NO_ARRAY),
    "other version": (described("(5, 20)").replace(b"Y\x01", b"Y\x09"), NO_ARRAY),
    "nested header": (header("(" * 100), NO_ARRAY),
    "objects": (described("(5, 20)", "'|O'"), NO_ARRAY),
    "negative shape": (described("(-5, 20)"), NO_ARRAY),
    "fields": (
        described("(5, 20)", "[('a', '<f4')]"),
        "holds [('a', '<f4')]; give float32 log-mels",
    ),
    "one number": (described("()"), "has shape (); give (frames, 20)"),
    "no frames": (described("(0, 20)"), "has shape (0, 20); give (frames, 20)"),
    "huge number": (described(f"(5, {10**40})"), f"has shape (5, {10**40}), not (frames, 20)"),
    "huge": (
        described(f"({10**15}, 20)") + bytes(400),
        f"has 400 bytes of a mel ({10**15}, 20), not {80 * 10**15}; copy or save it again",
    ),
    "cut": (
        described("(5, 20)") + bytes(399),
        "has 399 bytes of a mel (5, 20), not 400; copy or save it again",
    ),
    "longer": (
        described("(5, 20)") + bytes(401),
        "has 401 bytes of a mel (5, 20), not 400; copy or save it again",
    ),
}


@pytest.mark.parametrize("read", [lambda path: next(iter_chunks(path, SPEC)), None])
@pytest.mark.parametrize("name", CASES)
def test_each_is_refused_in_one_line(tmp_path, name, read):
    content, line = CASES[name]
    path = tmp_path / "mel.npy"
    path.write_bytes(content)
    read = read or (lambda path: count_frames(path, SPEC))
    assert_user_error(lambda: read(path), f"{path}: {line}")


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_float_and_order_is_read(tmp_path, dtype, order):
    mel = np.random.default_rng(0).uniform(-5, 0, (600, 20)).astype(dtype, order)
    np.save(tmp_path / "mel.npy", mel)
    chunks = list(iter_chunks(tmp_path / "mel.npy", SPEC))
    np.testing.assert_array_equal(np.concatenate(chunks), mel.astype(np.float32))
    assert count_frames(tmp_path / "mel.npy", SPEC) == 600
