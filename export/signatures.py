"""The signatures of exported voices, as concrete TensorFlow functions."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_melgan.export.inference_graph import InferenceGraph


def concrete(function: Callable, inputs: dict[str, tuple]) -> Any:
    """Traces a function of named float32 inputs.

    Args:
        function: takes the inputs as keyword arguments.
        inputs: the shape of each input, by name; None is a variable size.

    Returns:
        The concrete function.
    """
    specs = {name: tf.TensorSpec(shape, tf.float32, name) for name, shape in inputs.items()}
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def one_utterance(mel: tf.Tensor) -> tf.Tensor:
    """Returns a mel (1, frames, n_mels) unchanged, and fails at run time for a larger batch.

    LiteRT resizes an input to any batch. Without this, two utterances would become one of both.
    Unstacking leaves all shapes known before a run, as callers need who allocate the outputs.
    """
    return tf.expand_dims(tf.unstack(mel, 1)[0], 0)


def streaming(graph: InferenceGraph) -> dict[str, Any]:
    """The signatures of a stream.

    Each state that one call returns is an input of the next call, with the same name.

    start  mel (1, frames, n_mels), at least `start_frames` frames → audio, state_00, state_01 …
    step   the next frames, at least one, and the states → audio (1, frames · hop), states
    end    the states → audio (1, lookahead), the remaining samples

    Args:
        graph: the generator.

    Returns:
        The concrete functions, by signature.
    """
    mel = {"mel": (1, None, graph.n_mels)}
    names = [f"state_{index:02}" for index in range(len(graph.states))]
    states = dict(zip(names, graph.states, strict=True))

    def outputs(audio: tf.Tensor, new_states: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"audio": audio, **dict(zip(names, new_states, strict=True))}

    def step(mel: tf.Tensor, **states: tf.Tensor) -> dict[str, tf.Tensor]:
        return outputs(*graph.step(one_utterance(mel), [states[name] for name in names]))

    def end(**states: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"audio": graph.end([states[name] for name in names])}

    return {
        "start": concrete(lambda mel: outputs(*graph.start(one_utterance(mel))), mel),
        "step": concrete(step, mel | states),
        "end": concrete(end, states),
    }
