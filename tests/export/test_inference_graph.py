"""The inference graph equals the Keras model, in one call and streamed, for any geometry."""

import numpy as np
import pytest
from helpers import generators

tf = pytest.importorskip("tensorflow")
from tf_melgan.export.inference_graph import InferenceGraph  # noqa: E402
from tf_melgan.models.fourier import fast_inverse_stft  # noqa: E402
from tf_melgan.models.fourier.inverse_stft import inverse_kernel  # noqa: E402

GEOMETRIES = {
    **generators.GEOMETRIES,
    **{f"random {seed}": generators.random_geometry(seed) for seed in range(8)},
}


@pytest.fixture(scope="module", params=GEOMETRIES)
def pair(request):
    model = generators.generator(GEOMETRIES[request.param])
    return model, InferenceGraph(model)


def test_full_utterances_equal_the_model(pair):
    model, graph = pair
    for frames in (graph.shortest, graph.shortest + 1, 50):
        mel = generators.mels(frames)
        sound = graph.full(mel[None])[0].numpy()
        assert sound.shape == (frames * graph.hop,)
        assert np.abs(sound - generators.synthesize(model, mel)).max() <= 1e-5


def test_a_shorter_mel_would_not_cover_a_reflection(pair):
    _, graph = pair
    samples, stages = graph.shortest - 1, graph.stages
    fits = [samples > 0]
    for stage in stages:
        fits.append(not stage.reflect or samples > max(stage.pad))
        samples *= stage.rate
    assert not all(fits)


def test_a_padded_batch_equals_its_members(pair):
    model, graph = pair
    lengths = np.array([1, 2, 3, 7, 19, 31], np.int32)
    batch = np.stack([generators.mels(31, seed=seed) for seed in range(len(lengths))])
    sounds = graph.padded_batch(tf.constant(batch), tf.constant(lengths)).numpy()
    for mel, frames, sound in zip(batch, lengths, sounds, strict=True):
        expected = generators.synthesize(model, mel[:frames])
        assert np.abs(sound[: frames * graph.hop] - expected).max() <= 1e-5
        assert not sound[frames * graph.hop :].any()


def test_a_stream_equals_the_model_and_lags_by_the_lookahead(pair):
    model, graph = pair
    mel = generators.mels(graph.start_frames + 9)
    position = graph.start_frames
    sound, states = graph.start(mel[None, :position])
    pieces = [sound]
    for size in (1, 3, 5):
        assert [tuple(state.shape) for state in states] == graph.states
        assert sum(piece.shape[1] for piece in pieces) == position * graph.hop - graph.lookahead
        sound, states = graph.step(mel[None, position : position + size], states)
        assert sound.shape == (1, size * graph.hop)
        pieces.append(sound)
        position += size
    pieces.append(graph.end(states))
    sound = np.concatenate(pieces, axis=1)[0]
    assert sound.shape == (len(mel) * graph.hop,)
    assert np.abs(sound - generators.synthesize(model, mel)).max() <= 1e-5


def test_output_depends_on_no_more_than_the_lookahead():
    """The paper's geometry looks 1425 samples ahead: no earlier sample depends on a frame."""
    graph = InferenceGraph(generators.generator(generators.PAPER))
    assert (graph.shortest, graph.start_frames, graph.lookahead) == (4, 6, 1425)
    mel, frame = generators.mels(40), 20
    mel[frame] = np.nan
    touched = np.flatnonzero(np.isnan(graph.full(mel[None])[0]))
    assert touched[0] == frame * graph.hop - graph.lookahead


def test_a_fourier_voice_lags_by_its_lookahead_and_overlap():
    """The lag is 3 frames of lookahead and 1.5 frames of overlap; nothing later has any effect."""
    graph = InferenceGraph(generators.generator(generators.GEOMETRIES["fourier"]))
    assert (graph.shortest, graph.start_frames, graph.lookahead) == (1, 5, 36)
    mel, frame = generators.mels(40), 20
    mel[frame] = np.nan
    touched = np.flatnonzero(np.isnan(graph.full(mel[None])[0]))
    assert frame * graph.hop - graph.lookahead <= touched[0] <= (frame - 4) * graph.hop


@pytest.mark.parametrize("hop", [6, 7, 8, 12])
def test_the_grouped_inverse_stft_equals_one_kernel(hop):
    expected, overlap = (
        inverse_kernel(hop),
        fast_inverse_stft.overlap_kernel(hop).reshape(4, 4, hop),
    )
    signals = [(0,), (1,), (2, 3)]
    bins = expected.shape[1] // 2
    for group, parts in zip(fast_inverse_stft.groups(hop), signals, strict=True):
        first, turns = fast_inverse_stft.basis(hop, group), fast_inverse_stft.turns(hop, group)
        # For each part: rotate the spectrum, then invert it.
        swapped = np.roll(np.eye(2 * len(group)), len(group), axis=0)
        rotated = [(np.diag(c) + swapped * s) @ first for c, s in zip(*turns, strict=True)]
        basis = np.concatenate(rotated, axis=1).reshape(2 * len(group), len(parts), hop)
        kernel = sum(basis[:, i] * overlap[:, None, part] for i, part in enumerate(parts))
        rows = np.concatenate((group, group + bins))
        assert np.abs(kernel - expected[:, rows]).max() <= 1e-15
