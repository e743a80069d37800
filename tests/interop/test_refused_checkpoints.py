"""What a voice cannot be is refused in one line that names it, and no file appears."""

import json

import numpy as np
import pytest
import yaml
from helpers.bad_input import assert_user_error
from helpers.torch_zip import torch_state

from tf_melgan.cli.main import main
from tf_melgan.interop.importing import import_voice

CONFIG = {
    **{"sampling_rate": 22050, "fft_size": 64, "hop_size": 16, "win_length": None},
    **{"num_mels": 3, "fmin": 80, "fmax": 7600, "window": "hann"},
    **{"generator_type": "MelGANGenerator", "generator_params": {"out_channels": 1}},
}


def generator():
    """The tensors of a small generator of ParallelWaveGAN without weight normalization."""
    shapes = {"1": (8, 3, 7), "3": (8, 4, 8), "6": (4, 2, 8), "10": (1, 2, 7)}
    for entry, channels in ((4, 4), (7, 2)):
        shapes[f"{entry}.stack.2"] = (channels, channels, 3)
        shapes[f"{entry}.stack.4"] = shapes[f"{entry}.skip_layer"] = (channels, channels, 1)
    random, tensors = np.random.default_rng(0), {}
    for name, shape in shapes.items():
        outputs = shape[1] if name in ("3", "6") else shape[0]
        tensors[f"melgan.{name}.bias"] = random.normal(size=outputs)
        tensors[f"melgan.{name}.weight"] = random.normal(size=shape)
    return {name: array.astype(np.float32) for name, array in tensors.items()}


@pytest.fixture
def write(tmp_path):
    """Writes a checkpoint with its config and statistics, and returns its path."""

    def write(tensors, statistics=((0, 0, 0), (1, 1, 1)), **config):
        (tmp_path / "config.yml").write_text(yaml.safe_dump(CONFIG | config))
        np.save(tmp_path / "stats.npy", np.array(statistics, np.float64))
        path = tmp_path / "checkpoint.pkl"
        path.write_bytes(torch_state(tensors, "model", "generator"))
        return path

    return write


def without(name):
    return {key: array for key, array in generator().items() if key != name}


def changed(name, array):
    return generator() | {name: np.asarray(array, np.float32)}


TENSORS = {
    "missing bias": (
        without("melgan.3.bias"),
        "the tensor melgan.3.bias is missing; did you mean {…}?",
    ),
    "missing kernel": (
        without("melgan.4.stack.4.weight"),
        "the tensor melgan.4.stack.4.weight is missing; did you mean {…}?",
    ),
    "left over": (
        generator() | {"melgan.20.other": np.zeros(2, np.float32)},
        "1 tensors have no place in the network, such as ['melgan.20.other']; the checkpoint is "
        "of another network",
    ),
    "NaN": (
        changed("melgan.1.bias", [np.nan] * 8),
        "the tensor melgan.1.bias holds NaN or infinite values",
    ),
    "infinite": (
        changed("melgan.7.stack.4.weight", np.full((2, 2, 1), np.inf)),
        "the tensor melgan.7.stack.4.weight holds NaN or infinite values",
    ),
    "wrong shape": (
        changed("melgan.4.stack.2.weight", np.zeros((4, 4, 5))),
        "the tensor melgan.4.stack.2 has shape (5, 4, 4) in Keras's order of axes; it must have "
        "(3, 4, 4)",
    ),
    "two axes": (
        changed("melgan.1.weight", np.zeros((8, 3))),
        "the kernel of melgan.1 has shape (8, 3); it must have three axes",
    ),
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_that_does_not_fit_is_named(write, name):
    tensors, line = TENSORS[name]
    path = write(tensors)
    assert_user_error(lambda: import_voice(path), f"{path}: {line}")


CONFIGS = {
    "padding": {"generator_params": {"pad": "ReplicationPad1d"}},
    "slope": {"generator_params": {"nonlinear_activation_params": {"negative_slope": 0.1}}},
    "causal": {"generator_params": {"use_causal_conv": True}},
    "no tanh": {"generator_params": {"use_final_nonlinear_activation": False}},
    "window": {"window": "hamming"},
    "another generator": {"generator_type": "StyleMelGANGenerator"},
    "logarithm": {"log_base": 2.0},
    "gain": {"global_gain_scale": 0.5},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_setting_that_a_voice_cannot_have_is_named(write, name):
    path = write(generator(), **CONFIGS[name])
    ((key, value),) = CONFIGS[name].items()
    if isinstance(value, dict):
        key = f"{key}.{next(iter(value))}"
    line = f"{path}: {path.parent / 'config.yml'}: {key} is {{…}}; a voice can be imported {{…}}"
    assert_user_error(lambda: import_voice(path), line)


def test_bands_that_the_config_does_not_say_are_refused(write):
    path = write(generator(), generator_params={"out_channels": 4})
    line = "melgan.10 gives 1 channels, but the config says 4"
    assert_user_error(lambda: import_voice(path), f"{path}: {line}")


def test_what_lies_beside_it_is_asked_for(write):
    path = write(generator())
    (path.parent / "stats.npy").unlink()
    line = "the statistics of its mels are missing; give --stats stats.h5, which lies beside it"
    assert_user_error(lambda: import_voice(path), f"{path}: {line}")
    (path.parent / "config.yml").unlink()
    line = "its config is missing, which says what the weights do not; give --config config.yml"
    assert_user_error(lambda: import_voice(path), f"{path}: {line}")


@pytest.mark.parametrize("values", [((0, 0), (1, 1)), ((0, 0, 0), (1, 0, 1)), (0, 1, 2)])
def test_statistics_that_do_not_fit_are_refused(write, values):
    path = write(generator(), statistics=values)
    with pytest.raises(ValueError, match=r"statistics") as caught:
        import_voice(path)
    assert "\n" not in str(caught.value)


def test_the_command_ends_with_2_and_writes_nothing(write, tmp_path, capsys):
    path = write(without("melgan.3.weight"))
    assert main(["import", str(path), "--out", str(tmp_path / "v.npz")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "v.npz").exists()


def test_the_project_is_seen_by_names_or_has_to_fit(write, tmp_path):
    path = write(generator())
    line = (
        f"{path}: has no tensors that are named like those of coqui; give another --from, or "
        "--from auto"
    )
    assert_user_error(lambda: import_voice(path, "coqui"), line)
    other = tmp_path / "other.pt"
    other.write_bytes(torch_state({"a": np.zeros(3, np.float32)}, "model"))
    known = "known: melgan-neurips, {…}"
    assert_user_error(
        lambda: import_voice(other), f"{other}: is of no project that is known; {known}"
    )


def test_a_config_may_be_json(write, tmp_path):
    path = write(generator())
    (tmp_path / "other.json").write_text(json.dumps(CONFIG | {"hop_size": 20}))
    with pytest.raises(ValueError, match=r"but mel.hop is 20"):
        import_voice(path, config=tmp_path / "other.json")
    assert import_voice(path).config.mel.hop == 16
