"""Log-mels in NumPy and Keras against librosa, each other and finite differences."""

import subprocess
import sys

import keras
import librosa
import numpy as np
import pytest
from helpers.speech import recordings

from tf_melgan.audio.conventions import check_mel, convert_mel
from tf_melgan.audio.mel import log_mel, log_mel_valid, mel_valid
from tf_melgan.audio.mel_keras import keras_log_mel, keras_mel_valid
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.errors import UserInputError

SPECS = (
    MelSpec(),
    MelSpec(16000, 1024, 200, 80, 0.0, 8000.0),
    MelSpec(24000, 1200, 300, 100, 20.0, 12000.0, "ln"),
    MelSpec(48000, 2048, 512, 128, 40.0, 20000.0, floor=1e-7),
    MelSpec(fmax=8000.0, log="ln", epsilon=1e-9),
    MelSpec(24000, 2048, 300, 80, 80.0, 7600.0, floor=1e-10, win_length=1200, center=True),
    MelSpec(24000, 1024, 256, 100, 0.0, 12000.0, "ln", 1e-7, htk=True, norm="none", center=True),
    MelSpec(16000, 400, 160, 80, 0.0, 8000.0, floor=1e-10, power=2.0, center=True),
    MelSpec(16000, 400, 200, 40, 0.0, 8000.0, power=2.0, epsilon=1e-6, htk=True, center=True,
            pad_mode="constant"),
)  # fmt: skip
each_spec = pytest.mark.parametrize("spec", SPECS, ids=range(len(SPECS)))


def speech(spec: MelSpec, frames: int = 200, dtype: type = np.float64) -> np.ndarray:
    sound = load_audio(recordings(1)[0], spec.sample_rate)
    return sound[4000 : 4000 + frames * spec.hop].astype(dtype)


def librosa_mel(sound: np.ndarray, spec: MelSpec) -> np.ndarray:
    """The linear mel spectrogram (frames, n_mels) in float64."""
    sound = sound.astype(np.float64)
    spectrum = librosa.stft(
        sound if spec.center else np.pad(sound, (spec.n_fft - spec.hop) // 2, spec.pad_mode),
        n_fft=spec.n_fft,
        hop_length=spec.hop,
        win_length=spec.win_length or spec.n_fft,
        window="hann",
        center=spec.center,
        pad_mode=spec.pad_mode,
        dtype=np.complex128,
    )
    power = np.abs(spectrum) ** 2 + spec.epsilon
    return (librosa_matrix(spec) @ power ** (spec.power / 2)).T


def librosa_matrix(spec: MelSpec) -> np.ndarray:
    return librosa.filters.mel(
        sr=spec.sample_rate,
        n_fft=spec.n_fft,
        n_mels=spec.n_mels,
        fmin=spec.fmin,
        fmax=spec.fmax,
        htk=spec.htk,
        norm=None if spec.norm == "none" else spec.norm,
        dtype=np.float64,
    )


def librosa_log_mel(sound: np.ndarray, spec: MelSpec) -> np.ndarray:
    log = np.log10 if spec.log == "log10" else np.log
    return log(np.maximum(librosa_mel(sound, spec), spec.floor))


def on_keras(sound: np.ndarray, spec: MelSpec) -> np.ndarray:
    if keras.backend.backend() == "jax":
        pytest.skip("JAX has float64 only if it is enabled for the full process")
    return keras.ops.convert_to_numpy(keras_log_mel(sound, spec))


@each_spec
def test_mel_matrix_equals_librosa(spec: MelSpec) -> None:
    np.testing.assert_allclose(spec.mel_matrix(), librosa_matrix(spec), rtol=0, atol=1e-14)


@each_spec
@pytest.mark.parametrize("compute", [log_mel, on_keras], ids=["numpy", "keras"])
def test_log_mel_equals_librosa(spec: MelSpec, compute) -> None:
    sound = speech(spec)
    actual, expected = compute(sound, spec), librosa_log_mel(sound, spec)
    frames = 200 + spec.center
    assert actual.shape == (frames, spec.n_mels) and actual.dtype == np.float64
    assert spec.frames(len(sound)) == frames
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


@each_spec
@pytest.mark.parametrize("compute", [mel_valid, keras_mel_valid], ids=["numpy", "keras"])
def test_linear_mel_in_float32_equals_librosa(spec: MelSpec, compute) -> None:
    sound = speech(spec, dtype=np.float32)
    padded = np.pad(sound, spec.margin, spec.pad_mode)
    actual = keras.ops.convert_to_numpy(compute(padded, spec))
    expected = librosa_mel(sound, spec)
    assert actual.dtype == np.float32
    # Relative to the peak of each frame, or to the floor, which hides rounding below it.
    peak = np.maximum(expected.max(axis=1), spec.floor)
    assert (np.abs(actual - expected).max(axis=1) / peak).max() <= 1e-6


@pytest.mark.parametrize("samples", [1, 2, 100, 255, 256, 257, 400, 3000])
def test_audio_of_any_length(samples: int) -> None:
    spec, sound = MelSpec(), speech(MelSpec())[:samples]
    padded = np.pad(sound, (0, -samples % spec.hop))
    expected = librosa_log_mel(padded, spec)
    assert spec.frames(samples) == len(expected) == -(-samples // 256)
    np.testing.assert_allclose(log_mel(sound, spec), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(on_keras(sound, spec), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("samples", [1, 2, 255, 256, 257, 3000])
def test_centered_frames_of_audio_of_any_length(samples: int) -> None:
    spec, sound = MelSpec(center=True), speech(MelSpec())[:samples]
    # librosa reflects once, NumPy as often as it takes.
    padded = np.pad(sound, 512, "reflect")
    spectrum = librosa.stft(padded, n_fft=1024, hop_length=256, center=False, dtype=np.complex128)
    expected = np.log10(np.maximum(librosa_matrix(spec) @ np.abs(spectrum), spec.floor)).T
    assert spec.frames(samples) == len(expected) == 1 + samples // 256
    np.testing.assert_allclose(log_mel(sound, spec), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(on_keras(sound, spec), expected, rtol=0, atol=1e-6)


def test_a_batch_equals_its_rows() -> None:
    spec = MelSpec()
    batch = np.stack([speech(spec)[:5000], speech(spec)[5000:10000]])
    for compute in (log_mel, on_keras):
        rows = np.stack([compute(row, spec) for row in batch])
        np.testing.assert_allclose(compute(batch, spec), rows, rtol=0, atol=1e-12)


def test_frames_depend_only_on_their_window() -> None:
    spec, sound = MelSpec(), speech(MelSpec())
    window = sound[20 * spec.hop - spec.margin : 50 * spec.hop + spec.margin]
    np.testing.assert_allclose(
        log_mel_valid(window, spec), log_mel(sound, spec)[20:50], rtol=0, atol=1e-12
    )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="uses TensorFlow's gradient")
def test_gradient_equals_finite_differences() -> None:
    import tensorflow as tf

    spec = MelSpec()
    sound, direction = tf.constant(speech(spec, 8)), tf.constant(speech(spec, 16)[8 * 256 :])
    with tf.GradientTape() as tape:
        tape.watch(sound)
        total = tf.reduce_sum(keras_log_mel(sound, spec))
    slope = float(tf.reduce_sum(tape.gradient(total, sound) * direction))
    step = 1e-7
    ends = [
        log_mel(sound.numpy() + offset * direction.numpy(), spec).sum() for offset in (step, -step)
    ]
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="uses TensorFlow's gradient")
def test_gradient_of_silence_is_finite() -> None:
    import tensorflow as tf

    for spec in (MelSpec(), MelSpec(floor=1e-12)):
        sound = tf.zeros((1, 2048))
        with tf.GradientTape() as tape:
            tape.watch(sound)
            total = tf.reduce_sum(keras_log_mel(sound, spec))
        assert np.isfinite(tape.gradient(total, sound)).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="uses tf.data")
def test_lengths_may_be_unknown_in_a_graph() -> None:
    import tensorflow as tf

    spec, sound = MelSpec(), speech(MelSpec())
    lengths = (100, 700, 5000)
    dataset = tf.data.Dataset.from_generator(
        lambda: (sound[:length] for length in lengths),
        output_signature=tf.TensorSpec((None,), tf.float64),
    )
    for length, mel in zip(lengths, dataset.map(lambda x: keras_log_mel(x, spec)), strict=True):
        np.testing.assert_allclose(mel, log_mel(sound[:length], spec), rtol=0, atol=1e-12)


def test_log_mel_needs_only_numpy() -> None:
    code = (
        "import sys, numpy\n"
        "for name in ('keras', 'tensorflow', 'jax', 'librosa', 'scipy'): sys.modules[name] = None\n"
        "from tf_melgan import MelSpec, log_mel\n"
        "print(log_mel(numpy.ones(512, 'float32'), MelSpec()).shape)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "(2, 80)"


def test_spec_survives_a_dict_round_trip() -> None:
    for spec in SPECS:
        assert MelSpec.from_dict(spec.to_dict()) == spec
    # What files held before the later fields were there.
    earlier = {"sample_rate", "n_fft", "hop", "n_mels", "fmin", "fmax", "log", "floor"}
    assert set(MelSpec(win_length=1024).to_dict()) == earlier


def test_log_mel_never_exceeds_its_ceiling() -> None:
    spec = MelSpec()
    noise = np.sign(np.random.default_rng(0).standard_normal(spec.hop * 200))
    tones = [np.cos(2 * np.pi * np.arange(4096) * hz / spec.sample_rate) for hz in (40, 300, 4000)]
    for sound in (noise, *tones):
        assert log_mel(sound, spec).max() <= spec.log_ceiling


def test_a_converted_mel_equals_a_computed_one() -> None:
    target, sound = MelSpec(), speech(MelSpec())
    expected = log_mel(sound, target)
    source = MelSpec(log="ln", floor=1e-7)
    mel = log_mel(sound, source)
    np.testing.assert_allclose(convert_mel(mel, source, target), expected, rtol=0, atol=1e-12)
    mean, std = mel.mean(axis=0), mel.std(axis=0)
    normalized = (mel - mean) / std
    np.testing.assert_allclose(
        convert_mel(normalized, source, target, mean, std), expected, rtol=0, atol=1e-12
    )
    single = convert_mel(normalized.astype(np.float32), source, target, mean, std)
    assert single.dtype == np.float32


def test_conversion_to_another_hop_is_refused() -> None:
    with pytest.raises(UserInputError, match=r"mel\.hop is 200, not 256.*compute it again"):
        convert_mel(np.zeros((3, 80)), MelSpec(hop=200, log="ln"), MelSpec())


def test_a_valid_mel_passes_the_check() -> None:
    for spec in SPECS:
        mel = log_mel(speech(spec), spec)
        checked = check_mel(mel, spec)
        assert checked.dtype == np.float32
        np.testing.assert_array_equal(checked, mel.astype(np.float32))
