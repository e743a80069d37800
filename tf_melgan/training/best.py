"""Which checkpoint of a run is the best one, as `training.best` says."""

import math

_SIGNS = {"mel": -1, "pesq": 1, "dnsmos": 1}


class Best:
    """Compares the checkpoints of a run.

    With "automatic" the best checkpoint is the one with the lowest validation log-mel distance
    while the generator trains on spectral losses only. With discriminators it is the last one:
    adversarial training raises this distance a little but makes the sound closer to speech.
    Without validation recordings the best checkpoint is the last one, too.

    Args:
        choice: `training.best`.
        value: the best value so far; None for a new run.

    Attributes:
        value: the best value so far, the lowest distance or the highest score; None if there is
            none yet.
    """

    def __init__(self, choice: str, value: float | None):
        self._last = choice == "last"
        self._last_with_discriminators = choice == "automatic"
        self._score = choice if choice in _SIGNS else "mel"
        self.value = value

    def take(self, logs: dict[str, float], adversarial: bool) -> bool:
        """Takes in a new checkpoint.

        Args:
            logs: the values of its interval.
            adversarial: whether the discriminators take part.

        Returns:
            Whether it is the best checkpoint so far.
        """
        value = logs.get(f"validation_{self._score}")
        if value is None:
            return True
        sign = _SIGNS[self._score]
        before = -math.inf if self.value is None else sign * self.value
        better = sign * value > before
        if better:
            self.value = value
        return better or self._last or (self._last_with_discriminators and adversarial)
