"""Checkpoints that torch writes are read without it: the same values, and no code is run."""

import os
from collections import OrderedDict

import numpy as np
import pytest
from helpers.bad_input import assert_user_error

from tf_melgan.tensor_files.reader import read_tensors

torch = pytest.importorskip("torch")
REFUSED = "which is neither a tensor nor plain data, and was not run; save the state_dict alone"


@pytest.fixture(params=["zip", "before 1.6"])
def save(request, tmp_path):
    """Writes a value as torch of today or of long ago does, and returns the file."""

    def write(value):
        path = tmp_path / "checkpoint.pt"
        torch.save(value, path, _use_new_zipfile_serialization=request.param == "zip")
        return path

    return write


def _training_state():
    model = torch.nn.Sequential(
        torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(2, 3, 5)),
        torch.nn.ConvTranspose1d(3, 2, 4),
    )
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(1, 2, 9)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [10, 20])
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": schedule.state_dict(),
        "loss": np.float64(1.5),
        "losses": np.arange(6.0).reshape(2, 3).T,
    }


def _assert_same(actual, expected):
    if isinstance(expected, torch.Tensor):
        np.testing.assert_array_equal(actual, expected.detach().float().numpy())
    elif isinstance(expected, np.ndarray):
        np.testing.assert_array_equal(actual, expected)
    elif isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key in expected:
            _assert_same(actual[key], expected[key])
    elif isinstance(expected, list | tuple):
        for item, wanted in zip(actual, expected, strict=True):
            _assert_same(item, wanted)
    else:
        assert actual == expected


def test_a_state_of_training_is_read_as_torch_reads_it(save):
    state = _training_state()
    _assert_same(read_tensors(save(state)), state)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(1, 80, 7),
        torch.randn(4, 5).T[1:, ::2],
        torch.randn(6).bfloat16(),
        torch.randn(6).half(),
        torch.zeros(0, 3),
        torch.tensor(3.0),
        torch.arange(4),
        torch.nn.Parameter(torch.ones(2)),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)}",
)
def test_a_tensor_is_read_as_torch_reads_it(save, tensor):
    array = read_tensors(save(tensor))
    _assert_same(array, tensor)
    assert array.shape == tuple(tensor.shape)


class _Code:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (_Code, "posix.mkdir"),
        (lambda _: torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        (lambda _: OrderedDict(a=np.sin), "numpy.sin"),
    ],
    ids=["code", "module", "function"],
)
def test_what_is_no_tensor_is_refused_by_name_and_not_run(save, tmp_path, value, name):
    path, trace = save({"a": value(tmp_path / "ran")}), tmp_path / "ran"
    line = f"{path}: holds '{name}', {REFUSED} with torch.save"
    assert_user_error(lambda: read_tensors(path), line)
    assert not trace.exists()
