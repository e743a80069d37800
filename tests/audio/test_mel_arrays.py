"""Mels in `.npz` and PyTorch files, and mels whose axes are in another order."""

import io
import warnings
import zipfile

import numpy as np
import pytest
from helpers.bad_input import assert_user_error

from tf_melgan.audio.conventions import read_mel
from tf_melgan.audio.mel_files import count_frames, iter_chunks
from tf_melgan.audio.mel_sources import SOURCES, MelSource, mel_source
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.statistics import read_statistics
from tf_melgan.errors import MelWarning

SPEC = MelSpec()
MEL = np.random.default_rng(0).uniform(-5, -2, (600, 80)).astype(np.float32)
pytestmark = pytest.mark.filterwarnings("ignore::tf_melgan.errors.MelWarning")


def read(path) -> np.ndarray:
    mel = np.concatenate(list(iter_chunks(path, SPEC)))
    assert len(mel) == count_frames(path, SPEC)
    return mel


@pytest.mark.parametrize(
    "arrays",
    [{"x": MEL}, {"mel": MEL, "f0": MEL[:, 0]}, {"feats": MEL.T, "ids": MEL}, {"mel": MEL[None]}],
    ids=["alone", "by name", "turned", "in a batch"],
)
def test_a_npz_is_read(tmp_path, arrays) -> None:
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        np.testing.assert_array_equal(read(tmp_path / "a.npz"), MEL)


def test_what_torch_saves_is_read_without_torch(tmp_path) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(MEL.T.copy())[None]
    for legacy in (False, True):
        for content in (tensor, {"mel": tensor, "text": "hello"}, tensor.half()):
            path = tmp_path / "a.pt"
            torch.save(content, path, _use_new_zipfile_serialization=not legacy)
            np.testing.assert_allclose(read(path), MEL, rtol=0, atol=2e-3)
    torch.save([1, 2], path)
    assert_user_error(
        lambda: read(path), f"{path}: holds no tensor; save the mel alone with torch.save"
    )


@pytest.mark.parametrize(
    ("shape", "frames"), [((80, 5), 5), ((1, 80, 5), 5), ((1, 5, 80), 5), ((80, 80), 80),
                          ((1, 80), 1), ((80, 1), 1), ((1, 1, 80), 1), ((1, 80, 1), 1)],
)  # fmt: skip
def test_the_order_of_axes_is_undone_and_said(shape, frames) -> None:
    values = MEL.ravel()[: np.prod(shape)].reshape(shape)
    axes = values.reshape(shape[-2:])
    expected = axes if axes.shape[1] == 80 else axes.T
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mel = read_mel(values, MelSource(SPEC), "a.pt")
    np.testing.assert_array_equal(mel, expected)
    said = [str(warning.message) for warning in caught]
    line = f"a.pt: shape {shape} is read as {frames} frames of 80 bands"
    assert said == ([] if expected.shape == shape else [line])
    assert all(warning.category is MelWarning for warning in caught)


def test_a_bad_npz_is_refused_in_one_line(tmp_path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=MEL, b=MEL)
    assert_user_error(lambda: read(path), f"{path}: holds a, b; save the mel alone, or call it mel")
    np.savez(path, a=np.array([{}]))
    bad = f"{path}: is not a .npz of arrays; save it with numpy.savez"
    assert_user_error(lambda: read(path), bad)
    np.savez(path, a=MEL)
    whole = path.read_bytes()
    for damaged in (b"", b"PK\x03\x04", whole[:1000], whole[:3000] + b"1" + whole[3001:]):
        path.write_bytes(damaged)
        assert_user_error(lambda: read(path), bad)
    # A header that promises more than there is.
    content = io.BytesIO()
    np.save(content, MEL)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mel.npy", content.getvalue().replace(b"(600, 80)", b"(900, 80)"))
    assert_user_error(
        lambda: read(path),
        f"{path}: has 192000 bytes of a mel (900, 80), not 288000; copy or save it again",
    )


def test_statistics_of_each_project_are_read(tmp_path) -> None:
    h5py = pytest.importorskip("h5py")
    mean, deviation = MEL.mean(axis=0), MEL.std(axis=0)
    np.save(tmp_path / "stats.npy", np.stack([mean, deviation]))
    with h5py.File(tmp_path / "stats.h5", "w") as file:
        file["mean"], file["scale"] = mean, deviation
    sums = {"count": len(MEL), "sum": MEL.sum(axis=0, dtype=float)}
    np.savez(tmp_path / "feats_stats.npz", **sums, sum_square=(MEL.astype(float) ** 2).sum(axis=0))
    for name in ("stats.npy", "stats.h5", "feats_stats.npz"):
        statistics = read_statistics(tmp_path / name)
        np.testing.assert_allclose(statistics.mean, mean, rtol=0, atol=1e-5)
        np.testing.assert_allclose(statistics.deviation, deviation, rtol=0, atol=1e-5)
        source = mel_source("espnet", tmp_path / name)
        assert source.spec == SOURCES["espnet"].spec
        normalized = (MEL - mean) / deviation
        np.testing.assert_allclose(read_mel(normalized, source), MEL, rtol=0, atol=1e-4)


def test_bad_statistics_are_refused_in_one_line(tmp_path) -> None:
    path = tmp_path / "stats.npy"
    advice = (
        "give ParallelWaveGAN's or TensorFlowTTS's stats.npy or stats.h5, or ESPnet's stats.npz"
    )
    assert_user_error(lambda: read_statistics(path), f"{path}: no such file; {advice}")
    for values, line in (
        (MEL, f"holds no statistics of mels; {advice}"),
        (np.array([{"mel_mean": 1}]), f"holds no statistics of mels; {advice}"),
        (MEL[:2] * np.nan, "a mean or deviation is NaN or infinite; compute it again"),
        (np.zeros((2, 80)), "a deviation is not above 0; compute it again"),
        (np.zeros((2, 0)), "the statistics have a mean of shape (0,) and a deviation of (0,); {…}"),
    ):
        np.save(path, values, allow_pickle=True)
        assert_user_error(lambda: read_statistics(path), f"{path}: {line}")
