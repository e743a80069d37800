"""The config sections `optimizer` and `training`."""

from dataclasses import dataclass

from tf_melgan.errors import require, require_choice, require_range

DECAYS = ("constant", "exponential", "cosine")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
HEARD = ("pesq", "dnsmos")
"""The scores of `scored_recordings`, which `best` can name."""
BEST = ("automatic", "mel", *HEARD, "last")
_RANGES = {
    "steps": (1, 10**9),
    "batch": (1, 1 << 16),
    "segment": (1, 1 << 24),
    "seed": (0, 2**32 - 1),
    "checkpoint_interval": (1, 10**9),
    "discriminator_start": (0, 10**9),
    "scored_recordings": (0, 1000),
}


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam's settings, the same for the generator and the discriminator but for the rate.

    Args:
        learning_rate: the initial learning rate.
        discriminator_learning_rate: that of the discriminator, which decays by the same factor; 0
            for the generator's.
        final_learning_rate: the learning rate at the end of a decay; 0 with constant decay.
        decay: "constant", "exponential" or "cosine", over all steps.
        beta_1: decay of the mean gradient.
        beta_2: decay of the mean squared gradient.
        epsilon: added to the denominator, against division by 0.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    learning_rate: float = 1e-4
    discriminator_learning_rate: float = 0.0
    final_learning_rate: float = 0.0
    decay: str = "constant"
    beta_1: float = 0.5
    beta_2: float = 0.9
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        require_choice("optimizer.decay", self.decay, DECAYS)
        for key in ("learning_rate", "epsilon"):
            value = getattr(self, key)
            require(value > 0, f"optimizer.{key} is {value}; it must be more than 0")
        rate = self.discriminator_learning_rate
        require(rate >= 0, f"optimizer.discriminator_learning_rate is {rate}; it must be 0 or more")
        for key in ("beta_1", "beta_2"):
            value = getattr(self, key)
            require(0 <= value < 1, f"optimizer.{key} is {value}; it must be in [0, 1)")
        final = self.final_learning_rate
        require(
            final == 0 if self.decay == "constant" else final > 0,
            f"optimizer.final_learning_rate is {final} and optimizer.decay is {self.decay}; "
            "give a rate above 0 for exponential or cosine decay, and 0 for constant",
        )


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a run; see `tf_melgan.train`.

    Args:
        steps: number of training steps.
        batch: segments per step.
        segment: samples per segment.
        gain: lowest and highest random gain of a segment.
        silence_probability: probability that a segment is replaced by silence.
        start_probability: probability that a segment is taken from the start of its utterance.
        seed: seed of the weights and of the choice of segments.
        checkpoint_interval: steps between checkpoints; validation runs as often.
        scored_recordings: number of validation recordings whose PESQ-wb and DNSMOS are measured at
            each checkpoint; 0 for none.
        best: what chooses the checkpoint whose generator is kept to vocode with: "mel" (the lowest
            validation log-mel distance), "pesq" or "dnsmos" (the highest mean of the scored
            recordings), "last", or "automatic": "mel" while the generator trains on spectral losses
            only, and "last" with discriminators.
        discriminator_start: the first step with the discriminator.
        discriminator_warmup: steps from there on in which only the discriminator learns.
        ema_decay: decay of the generator's exponential moving average; 0 for none.
        precision: "float32", "mixed_bfloat16" or "mixed_float16".

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    steps: int = 400_000
    batch: int = 16
    segment: int = 8192
    gain: tuple[float, float] = (0.3, 1.0)
    silence_probability: float = 0.0
    start_probability: float = 0.0
    seed: int = 0
    checkpoint_interval: int = 1000
    scored_recordings: int = 4
    best: str = "automatic"
    discriminator_start: int = 0
    discriminator_warmup: int = 0
    ema_decay: float = 0.0
    precision: str = "float32"

    def __post_init__(self) -> None:
        require_choice("training.precision", self.precision, PRECISIONS)
        require_choice("training.best", self.best, BEST)
        for key, (low, high) in _RANGES.items():
            require_range(f"training.{key}", getattr(self, key), low, high)
        interval = self.checkpoint_interval
        require(
            self.steps % interval == 0,
            f"training.steps is {self.steps}; it must be a multiple of "
            f"training.checkpoint_interval {interval}",
        )
        require(
            self.best not in HEARD or self.scored_recordings > 0,
            f"training.best is {self.best} and training.scored_recordings is 0; give the number of "
            "recordings to score",
        )
        start = self.discriminator_start
        require(
            start % interval == 0,
            f"training.discriminator_start is {start}; it must be 0 or a multiple of "
            f"training.checkpoint_interval {interval}",
        )
        warmup = self.discriminator_warmup
        require(
            warmup >= 0 and (start >= self.steps or start + warmup < self.steps),
            f"training.discriminator_warmup is {warmup}; it must be 0 or more, and end before "
            f"training.steps {self.steps}",
        )
        require(
            len(self.gain) == 2 and 0 < self.gain[0] <= self.gain[1] <= 1,
            f"training.gain is {list(self.gain)}; give [lowest, highest] with "
            "0 < lowest <= highest <= 1",
        )
        for key in ("silence_probability", "start_probability", "ema_decay"):
            value = getattr(self, key)
            require(0 <= value < 1, f"training.{key} is {value}; it must be in [0, 1)")
