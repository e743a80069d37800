"""Keras callbacks that show how the generator and the discriminators stand against each other."""

from typing import Any

import keras
import numpy as np

from tf_melgan.config import TrainingConfig
from tf_melgan.data.prepared import Prepared
from tf_melgan.progress import Progress
from tf_melgan.training import backends
from tf_melgan.training.callbacks import Steps

_SEGMENTS = 8
_GUESSING = 0.55  # accuracy; 0.5 is chance
_WON = 0.99


class WaveformGradients(keras.callbacks.Callback):
    """Adds to the logs of each interval how hard each loss term pulls at the waveform.

    `gradient_NAME` is the root mean square of the gradient of the weighted term with respect to
    the generated waveform: the median over segments from the middle of up to eight validation
    recordings. Loud segments have small gradients and quiet ones large, which would govern a mean.

    Args:
        prepared: the prepared folder; its "validation" split is used.
        samples: length of the segments, a multiple of the hop.
    """

    def __init__(self, prepared: Prepared, samples: int):
        super().__init__()
        spec = prepared.spec
        self.audio: list[np.ndarray] = []
        self.mels: list[np.ndarray] = []
        utterances = prepared.utterances("validation")
        for utterance in utterances[:_SEGMENTS]:
            audio = prepared.audio(utterance)
            first = (len(audio) - samples) // 2 // spec.hop
            if first >= 0:
                frames = slice(first, first + samples // spec.hop)
                self.mels.append(prepared.mel(utterance)[frames])
                self.audio.append(audio[first * spec.hop :][:samples])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is None or not self.audio:
            return
        model = self.model
        weights = model.config.loss.active_terms(model.adversarial)
        real = np.stack(self.audio)[..., None].astype(np.float32)
        fake = keras.ops.cast(model.generator(np.stack(self.mels)), "float32")
        real_outputs = model.discriminate(real, fake)[0] if model.adversarial else None

        def terms(audio: Any) -> dict[str, Any]:
            losses = model.generator_losses(real, audio, real_outputs)
            return {name: weight * losses[name] for name, weight in weights.items()}

        for name, gradient in backends.gradients(terms, fake).items():
            levels = np.sqrt(np.mean(gradient**2, axis=(1, 2)))
            logs[f"gradient_{name}"] = float(np.median(levels))


class DiscriminatorWatch(keras.callbacks.Callback):
    """Says after an interval if the discriminators guessed, or won; the warm-up does not count.

    Args:
        progress: the progress bar to print above.
        steps: the run's steps.
        training: the run's settings.
    """

    def __init__(self, progress: Progress, steps: Steps, training: TrainingConfig):
        super().__init__()
        self.progress, self.steps = progress, steps
        warm = training.discriminator_start + training.discriminator_warmup
        self.first_end = warm + training.checkpoint_interval

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        accuracy = (logs or {}).get("discriminator_accuracy")
        if accuracy is None or _GUESSING <= accuracy <= _WON or self.steps.done < self.first_end:
            return
        if accuracy < _GUESSING:
            state = "only guess, and teach the generator nothing"
            remedy = "raise optimizer.discriminator_learning_rate or training.discriminator_warmup"
        else:
            state = "have won, and the generator learns little from them"
            remedy = "lower optimizer.discriminator_learning_rate"
        self.progress.line(
            f"the discriminators {state} (right in {accuracy:.1%} of their scores); {remedy}, or "
            "try another discriminator.type"
        )
