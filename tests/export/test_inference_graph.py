"""The inference graph equals the Keras model, whole and in pieces, for any geometry and length."""

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
    made = generators.generator(GEOMETRIES[request.param])
    return made, InferenceGraph(made)


def test_whole_utterances_equal_the_model(pair):
    made, graph = pair
    for frames in (graph.shortest, graph.shortest + 1, 50):
        mel = generators.mels(frames)
        sound = graph.full(mel[None])[0].numpy()
        assert sound.shape == (frames * graph.hop,)
        assert np.abs(sound - generators.said(made, mel)).max() <= 1e-5


def test_below_the_shortest_a_reflection_would_reach_too_far(pair):
    _, graph = pair
    samples, stages = graph.shortest - 1, graph.stages
    fits = [samples > 0]
    for stage in stages:
        fits.append(not stage.reflect or samples > max(stage.pad))
        samples *= stage.rate
    assert not all(fits)


def test_each_of_a_padded_batch_is_as_if_alone(pair):
    made, graph = pair
    lengths = np.array([1, 2, 3, 7, 19, 31], np.int32)
    batch = np.stack([generators.mels(31, seed=seed) for seed in range(len(lengths))])
    sounds = graph.padded_batch(tf.constant(batch), tf.constant(lengths)).numpy()
    for mel, frames, sound in zip(batch, lengths, sounds, strict=True):
        expected = generators.said(made, mel[:frames])
        assert np.abs(sound[: frames * graph.hop] - expected).max() <= 1e-5
        assert not sound[frames * graph.hop :].any()


def test_a_stream_equals_the_model_and_lags_by_the_lookahead(pair):
    made, graph = pair
    mel = generators.mels(graph.start_frames + 9)
    at = graph.start_frames
    sound, states = graph.start(mel[None, :at])
    pieces = [sound]
    for size in (1, 3, 5):
        assert [tuple(state.shape) for state in states] == graph.states
        assert sum(piece.shape[1] for piece in pieces) == at * graph.hop - graph.lookahead
        sound, states = graph.step(mel[None, at : at + size], states)
        assert sound.shape == (1, size * graph.hop)
        pieces.append(sound)
        at += size
    pieces.append(graph.end(states))
    sound = np.concatenate(pieces, axis=1)[0]
    assert sound.shape == (len(mel) * graph.hop,)
    assert np.abs(sound - generators.said(made, mel)).max() <= 1e-5


def test_the_lookahead_is_what_the_sound_depends_on():
    """The paper's geometry sees 1425 samples ahead: a frame's change moves nothing before that."""
    graph = InferenceGraph(generators.generator(generators.PAPER))
    assert (graph.shortest, graph.start_frames, graph.lookahead) == (4, 6, 1425)
    mel, frame = generators.mels(40), 20
    mel[frame] = np.nan
    touched = np.flatnonzero(np.isnan(graph.full(mel[None])[0]))
    assert touched[0] == frame * graph.hop - graph.lookahead


def test_a_fourier_voice_lags_by_its_lookahead_and_the_overlap():
    """Of 3 frames and one and a half; it depends on nothing after that."""
    graph = InferenceGraph(generators.generator(generators.GEOMETRIES["fourier"]))
    assert (graph.shortest, graph.start_frames, graph.lookahead) == (1, 5, 36)
    mel, frame = generators.mels(40), 20
    mel[frame] = np.nan
    touched = np.flatnonzero(np.isnan(graph.full(mel[None])[0]))
    assert frame * graph.hop - graph.lookahead <= touched[0] <= (frame - 4) * graph.hop


@pytest.mark.parametrize("hop", [6, 7, 8, 12])
def test_the_inverse_stft_by_groups_is_that_of_one_kernel(hop):
    expected, overlap = (
        inverse_kernel(hop),
        fast_inverse_stft.overlap_kernel(hop).reshape(4, 4, hop),
    )
    signals = [(0,), (1,), (2, 3)]
    bins = expected.shape[1] // 2
    for group, parts in zip(fast_inverse_stft.groups(hop), signals, strict=True):
        first, turns = fast_inverse_stft.basis(hop, group), fast_inverse_stft.turns(hop, group)
        # Turning a spectrum and then inverting it is what this gives for each of its parts.
        exchanged = np.roll(np.eye(2 * len(group)), len(group), axis=0)
        turned = [(np.diag(c) + exchanged * s) @ first for c, s in zip(*turns, strict=True)]
        basis = np.concatenate(turned, axis=1).reshape(2 * len(group), len(parts), hop)
        kernel = sum(basis[:, i] * overlap[:, None, part] for i, part in enumerate(parts))
        rows = np.concatenate((group, group + bins))
        assert np.abs(kernel - expected[:, rows]).max() <= 1e-15
