"""The frame-rate generator beside torch, beside librosa's STFT, and in all that holds a voice."""

import math

import keras
import librosa
import numpy as np
import pytest
import torch
from helpers.speech import recordings
from helpers.torch_fourier import Fourier
from keras import ops

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.config import Config
from tf_melgan.data.sampling import Sampler
from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.models.fourier.generator import FourierGenerator, initial_log_magnitude
from tf_melgan.models.fourier.inverse_stft import OVERLAP
from tf_melgan.training.gan import MelGAN

GEOMETRIES = [
    {"width": 8, "depth": 2, "lookahead": 4},
    {"width": 12, "depth": 1, "lookahead": 0, "hop": 6},
    {"width": 6, "depth": 3, "lookahead": 12, "hop": 10},
]


def pair(geometry: dict, dtype: str) -> tuple[FourierGenerator, Fourier]:
    """Ours and torch's with the same random weights, none of them at its initial value."""
    torch.manual_seed(0)
    sizes = dict(geometry)
    spec = spec_of(sizes.pop("hop", 8))
    ours = FourierGenerator(spec, **sizes, dtype=dtype)
    ours.build((None, None, 5))
    theirs = Fourier(
        5,
        spec.sample_rate,
        spec.n_fft,
        spec.hop,
        spec.fmax,
        spec.log_floor,
        ours.width,
        ours.aheads,
        root_half(),
    )
    theirs.to(getattr(torch, dtype))
    layers = [("first", ""), ("first_norm", ".norm"), ("last_norm", ".norm"), ("last", "")]
    for index in range(ours.depth):
        inside = ("depthwise", "expand", "contract")
        layers += [(f"blocks.{index}.{name}", "") for name in inside]
        layers.append((f"blocks.{index}.norm", ".norm"))
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.4 + 0.1)
        for name, inner in layers:
            source = theirs.get_submodule(name + inner)
            target = ours
            for part in name.split("."):
                target = target[int(part)] if part.isdigit() else getattr(target, part)
            weights = [x.numpy() for x in source.parameters()]
            if len(weights[0].shape) == 3:
                weights[0] = weights[0].transpose(2, 1, 0)
            if "depthwise" in name:
                weights[0] = weights[0].transpose(0, 2, 1)
            target.set_weights(
                [x.reshape(w.shape) for x, w in zip(weights, target.weights, strict=True)]
            )
        for block, other in zip(ours.blocks, theirs.blocks, strict=True):
            block.gain.assign(other.gain.numpy())
    return ours, theirs


def spec_of(hop: int) -> MelSpec:
    """Of five bands, from frames that are no multiple of the generator's."""
    return MelSpec(hop=hop, n_fft=64 + hop, n_mels=5)


def root_half() -> float:
    """√½ as TensorFlow's GELU holds it: in float32 whatever its input, or as 1 / √2 in float32."""
    one = ops.ones((), "float64")
    made = float(ops.gelu(one, approximate=False))
    held = (float(np.float32(0.5**0.5)), 1 / float(np.float32(2**0.5)), 0.5**0.5)
    (root,) = [x for x in held if abs((1 + math.erf(x)) / 2 - made) < 1e-15]
    return root


def mel_of(frames: int, n_mels: int = 5, dtype: str = "float32") -> np.ndarray:
    rng = np.random.default_rng(frames)
    return rng.uniform(-5, 0, (2, frames, n_mels)).astype(dtype)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("frames", [1, 2, 7, 40])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-11)])
def test_equals_torch(geometry: dict, frames: int, dtype: str, tolerance: float):
    ours, theirs = pair(geometry, dtype)
    mel = mel_of(frames, dtype=dtype)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(mel).transpose(1, 2)).numpy()[:, 0]
    made = ops.convert_to_numpy(ours(mel))
    assert made.shape == (2, frames * ours.hop, 1) == ours.compute_output_shape(mel.shape)
    assert np.abs(made[..., 0] - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_gradients_equal_torch(geometry: dict):
    tf = pytest.importorskip("tensorflow")
    ours, theirs = pair(geometry, "float64")
    mel = mel_of(9, dtype="float64")
    with tf.GradientTape() as tape:
        loss = ops.sum(ops.square(ours(mel)))
    gradients = tape.gradient(loss, [ours.first.kernel, ours.last.kernel, ours.blocks[0].gain])
    theirs(torch.from_numpy(mel).transpose(1, 2)).square().sum().backward()
    expected = [
        theirs.first.weight.grad.permute(2, 1, 0),
        theirs.last.weight.grad[..., 0].T,
        theirs.blocks[0].gain.grad,
    ]
    for one, other in zip(gradients, expected, strict=True):
        other = other.numpy()
        assert np.abs(one.numpy() - other).max() <= 1e-10 * np.abs(other).max()


# In log10: what lies between the bands' centers is a guess, and so is, where the mel's frames are
# longer than the generator's, when within a frame it sounded.
@pytest.mark.parametrize(
    ("n_fft", "log", "most"), [(1024, "log10", 0.1), (1024, "ln", 0.1), (1536, "log10", 0.2)]
)
def test_the_envelope_has_the_mel_that_it_was_made_from(n_fft: int, log: str, most: float):
    sound = load_audio(recordings(1)[0], 22050)
    given = MelSpec(n_fft=n_fft, log=log)
    kernel, bias = initial_log_magnitude(given)
    mel = log_mel(sound, given).astype(np.float64) - given.log_floor
    magnitudes = np.exp(mel @ kernel + bias)
    frames = MelSpec(n_fft=OVERLAP * given.hop)
    made = np.log10(np.maximum(magnitudes @ frames.mel_matrix().T, frames.floor))
    apart = made - log_mel(sound, frames)
    assert np.abs(apart).mean() < most and abs(apart.mean()) < 0.05


@pytest.mark.parametrize("hop", [6, 64])
def test_the_inverse_undoes_librosas_stft(hop: int):
    sound = np.random.default_rng(0).uniform(-1, 1, 40 * hop)
    size = OVERLAP * hop
    spectra = librosa.stft(
        sound, n_fft=size, hop_length=hop, window="hann", center=False, dtype=np.complex128
    ).T
    generator = FourierGenerator(spec_of(hop), width=4, depth=1, lookahead=0, dtype="float64")
    made = generator._inverse(np.concatenate((spectra.real, spectra.imag), -1)[None])
    made = ops.convert_to_numpy(made)[0, :, 0]
    # Sample 0 of the output lies 1.5 hops into the first frame; 3 hops at each end miss windows.
    whole = slice(3 * hop - 3 * hop // 2, len(made) - 3 * hop + 3 * hop // 2)
    expected = sound[3 * hop : 3 * hop + (whole.stop - whole.start)]
    assert np.abs(made[whole] - expected).max() <= 1e-12


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_looks_ahead_as_far_as_it_says(geometry: dict):
    ours, _ = pair(geometry, "float32")
    frames, place = 60, 40
    mel = mel_of(frames)
    changed = mel.copy()
    changed[:, place] += 1
    moved = ops.convert_to_numpy(ours(mel) != ours(changed))[0, :, 0]
    touched = np.flatnonzero(moved)
    # The window's first sample is 0.
    assert touched[0] == (place - ours.lookahead) * ours.hop - 3 * ours.hop // 2 + 1
    back = sum(6 - ahead for ahead in ours.aheads)
    assert touched[-1] < min((place + back + 3) * ours.hop, frames * ours.hop)
    assert ours.context == max(back, ours.lookahead) + 2


def test_a_voice_of_it_is_saved_streams_and_speaks_in_pieces(tmp_path):
    ours, _ = pair(GEOMETRIES[0], "float32")
    KerasEngine(ours, ours.mel).save(tmp_path / "voice.keras")
    vocoder = Vocoder.load(tmp_path / "voice.keras")
    mel = mel_of(90)[0] / 4 - 3
    whole = ops.convert_to_numpy(ours(mel[None]))[0, :, 0]
    stream = vocoder.stream()
    pieces = [stream.push(mel[a:b]) for a, b in ((0, 1), (1, 30), (30, 90))]
    pieces.append(stream.finish())
    for made in (vocoder.vocode(mel), np.concatenate(pieces)):
        assert np.abs(made - whole).max() <= 1e-5 * np.abs(whole).max()


def test_trains_and_averages_like_the_other_kind():
    config = Config.from_dict(
        {
            "mel": {"hop": 16, "n_fft": 64, "n_mels": 5},
            "generator": {"type": "fourier", "width": 8, "depth": 1, "lookahead": 3},
            "discriminator": {"scales": 1, "channels": 4, "max_channels": 16},
            "loss": {"weights": {"mel": 1.0}},
            "training": {"segment": 1024, "ema_decay": 0.5},
        }
    )
    model = MelGAN(config)
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    before = [x.copy() for x in model.generator.get_weights()]
    real = np.random.default_rng(0).uniform(-1, 1, (2, 1024, 1)).astype(np.float32)
    model.train_on_batch(mel_of(64), real)
    after = model.generator.get_weights()
    assert all(np.any(a != b) for a, b in zip(before, after, strict=True))
    for mean, a, b in zip(model.average.get_weights(), before, after, strict=True):
        np.testing.assert_allclose(mean, (a + b) / 2, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("generator", "line"),
    [
        ({"type": "waves"}, "generator.type is 'waves'; choose one of melgan, fourier"),
        (
            {"type": "fourier", "lookahead": 19},
            "generator.lookahead is 19; with generator.depth 5 it must be in 0–18",
        ),
        ({"type": "fourier", "width": 0}, "generator.width is 0; it must be at least 1"),
        (
            {"type": "fourier", "channels": 512},
            "generator.channels is not a known key; known: type, width, depth, lookahead",
        ),
    ],
)
def test_configs_that_cannot_be(generator: dict, line: str):
    with pytest.raises(UserInputError) as error:
        Config.from_dict({"generator": generator})
    assert line in str(error.value)


@pytest.mark.parametrize("silence", [0.0, 0.25, 0.9])
def test_the_share_of_silence(silence: float):
    lengths = np.array([5000])
    loud = Sampler(16, 64, lengths, 3, (0.3, 1.0)).draw(0, 4000)
    _, start, gain = Sampler(16, 64, lengths, 3, (0.3, 1.0), silence).draw(0, 4000)
    np.testing.assert_array_equal(start, loud[1])
    silent = gain == 0
    assert abs(silent.mean() - silence) < 0.03
    heard = gain[~silent]
    assert heard.min() >= 0.3 and heard.max() <= 1 and abs(heard.mean() - 0.65) < 0.03
    if not silence:
        np.testing.assert_array_equal(gain, loud[2])
