"""Files of tensors that are damaged, lie or hold code: one line each, and nothing is run."""

import copy
import io
import json
import pickle
import struct
import zipfile

import h5py
import numpy as np
import pytest
from helpers.bad_input import assert_user_error
from helpers.mutations import damaged
from helpers.torch_zip import pickled_tensor, torch_zip

from tf_melgan.errors import UserInputError
from tf_melgan.tensor_files.reader import read_tensors

UNREADABLE = (
    "is no readable PyTorch checkpoint, safetensors or HDF5 ({…}); download or save it again"
)
TENSOR = pickled_tensor()


class Code:
    """Pickles as a call of a function that would leave a trace."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return open, (self.trace, "w")


def safetensors(table, data=b""):
    text = json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape, start, end, dtype="F32"):
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}}


def compressed():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**7))
    return content.getvalue()


def wrong_sum():
    content = bytearray(torch_zip(TENSOR))
    content[content.index(np.ones(12, "<f4").tobytes())] ^= 1
    return bytes(content)


def nested(levels):
    """A few bytes that stand for 2 ** levels empty lists."""
    return (
        b"\x80\x02]"
        + b"".join(b"q" + bytes([i]) + b"]" + (b"h" + bytes([i]) + b"a") * 2 for i in range(levels))
        + b"."
    )


FILES = {
    "empty": b"",
    "text": b"hello, world",
    "gzip": b"\x1f\x8b" + bytes(100),
    "truncated zip": torch_zip(TENSOR)[:-30],
    "no data.pkl": torch_zip(TENSOR, name="other.pkl"),
    "compressed": compressed(),
    "wrong checksum": wrong_sum(),
    "other byte order": torch_zip(TENSOR, byteorder=b"big"),
    "storage missing": torch_zip(pickled_tensor(key="7")),
    "storage too short": torch_zip(pickled_tensor(numbers=13)),
    "beyond the storage": torch_zip(pickled_tensor(shape=(4, 4))),
    "offset beyond the storage": torch_zip(pickled_tensor(offset=1)),
    "stride beyond the storage": torch_zip(pickled_tensor(strides=(5, 1))),
    "negative stride": torch_zip(pickled_tensor(strides=(-4, 1))),
    "repeated without end": torch_zip(pickled_tensor(shape=(10**9, 10**9), strides=(0, 0))),
    "too many dimensions": torch_zip(pickled_tensor(shape=(1,) * 40, strides=(1,) * 40)),
    "values without end": torch_zip(nested(60)),
    "itself": torch_zip(b"\x80\x02]q\x00h\x00a."),
    "huge number": torch_zip(b"\x80\x02\x8b\xff\xff\xff\x7f" + bytes(9)),
    "no end": torch_zip(b"\x80\x02]"),
    "another pickle": pickle.dumps([1, 2], 2),
    "table too long": struct.pack("<Q", 1 << 20) + b"{}",
    "no table": safetensors([]),
    "shape and bytes differ": safetensors(entry([3], 0, 8), bytes(8)),
    "bytes beyond the file": safetensors(entry([1 << 40], 0, 1 << 42), bytes(8)),
    "negative size": safetensors(entry([-2], 0, 8), bytes(8)),
    "bytes of no tensor": safetensors(entry([2], 0, 8), bytes(12)),
    "another type": safetensors(entry([2], 0, 8, "C64"), bytes(8)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_damaged_or_lies_is_refused(tmp_path, name):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(FILES[name])
    assert_user_error(lambda: read_tensors(path), f"{path}: {UNREADABLE}")


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("kind", ["zip", "before 1.6"])
def test_code_is_named_and_not_run(tmp_path, protocol, kind):
    path, trace = tmp_path / "checkpoint.pt", tmp_path / "trace"
    code = pickle.dumps({"model": Code(trace)}, protocol)
    path.write_bytes(torch_zip(code) if kind == "zip" else code)
    line = (
        f"{path}: holds 'io.open', which is neither a tensor nor plain data, and was not run; "
        "save the state_dict alone with torch.save"
    )
    assert_user_error(lambda: read_tensors(path), line)
    assert not trace.exists()


def sealed_state():
    """A checkpoint of three tensors, one of them transposed, and plain values."""
    random = np.random.default_rng(0)
    storages = {str(i): random.normal(size=12).astype("<f4") for i in range(2)}
    tensors = pickled_tensor("0"), pickled_tensor("1", strides=(1, 3))
    parts = [content[2:-1] for content in tensors]
    return torch_zip(
        b"\x80\x02(" + b"".join(parts) + pickle.dumps({"steps": 3}, 2)[2:-1] + b"t.", storages
    )


def same(actual, expected):
    if isinstance(expected, np.ndarray):
        return isinstance(actual, np.ndarray) and np.array_equal(actual, expected)
    if isinstance(expected, dict | list):
        keys = expected if isinstance(expected, dict) else range(len(expected))
        fits = type(actual) is type(expected) and len(actual) == len(expected)
        return fits and all(same(actual[key], expected[key]) for key in keys)
    return actual == expected


def test_damage_is_refused_or_changes_nothing(tmp_path):
    path, content = tmp_path / "checkpoint.pt", sealed_state()
    path.write_bytes(content)
    expected, refused = copy.deepcopy(read_tensors(path)), 0  # copied, since arrays view the file
    random = np.random.default_rng(1)
    for _ in range(500):
        path.write_bytes(damaged(content, random))
        try:
            tensors = read_tensors(path)
        except UserInputError as error:
            refused += 1
            assert "\n" not in str(error)
        else:
            # Damage in what zip does not use, such as the padding of its entries.
            assert same(tensors, expected)
    assert refused > 300


def external_link(file):
    file["a"] = h5py.ExternalLink("other.h5", "a")


def soft_link(file):
    file["a"] = h5py.SoftLink("/b")


def huge(file):
    file.create_dataset("a", (1 << 40,), "f4", chunks=(1 << 20,))


def objects(file):
    file["a"] = ["text"]


def loop(file):
    file.create_group("a")["a"] = file["/"]


def other_file(file):
    file.create_dataset("a", (4,), "f4", external=[("other.raw", 0, 16)])


@pytest.mark.parametrize("write", [external_link, soft_link, huge, objects, loop, other_file])
def test_hdf5_that_reaches_elsewhere_is_refused(tmp_path, write):
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        write(file)
    assert_user_error(lambda: read_tensors(path), f"{path}: {UNREADABLE}")
