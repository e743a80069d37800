"""What an exported voice can be called with: TensorFlow functions that files keep by name."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_melgan.export.inference_graph import InferenceGraph


def concrete(function: Callable, inputs: dict[str, tuple]) -> Any:
    """A function of float32 inputs, by name; a size that is None varies."""
    specs = {name: tf.TensorSpec(shape, tf.float32, name) for name, shape in inputs.items()}
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def streaming(graph: InferenceGraph) -> dict[str, Any]:
    """The signatures of a stream; a state goes out of one call and into the next, under its name.

    start  mel (1, frames, n_mels), the first `start_frames` or more → audio, state_00, state_01 …
    step   the next frames, from one up, and the states → audio (1, frames · hop), states
    end    the states → audio (1, lookahead), the rest
    """
    mel = {"mel": (1, None, graph.n_mels)}
    names = [f"state_{index:02}" for index in range(len(graph.states))]
    states = dict(zip(names, graph.states, strict=True))

    def streamed(audio: tf.Tensor, after: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"audio": audio, **dict(zip(names, after, strict=True))}

    def step(mel: tf.Tensor, **states: tf.Tensor) -> dict[str, tf.Tensor]:
        return streamed(*graph.step(mel, [states[name] for name in names]))

    def end(**states: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"audio": graph.end([states[name] for name in names])}

    return {
        "start": concrete(lambda mel: streamed(*graph.start(mel)), mel),
        "step": concrete(step, mel | states),
        "end": concrete(end, states),
    }
