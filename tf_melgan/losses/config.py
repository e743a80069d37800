"""The config section `loss`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tf_melgan.errors import UserInputError, require, require_choice, shown_key, suggest
from tf_melgan.losses.registry import SPECTRAL_LOSSES

ADVERSARIAL = ("hinge", "least_squares")
FEATURE_MATCHING_REDUCTIONS = ("sum", "mean_of_scales", "mean")
PAPER_WEIGHTS = {"adversarial": 1.0, "feature_matching": 10.0}
"""The two terms that need a discriminator, and their weights in the paper."""


@dataclass(frozen=True)
class LossConfig:
    """The loss terms and their weights; see `tf_melgan.losses`.

    Args:
        adversarial: "hinge" or "least_squares".
        feature_matching_reduction: see `tf_melgan.losses.adversarial.feature_matching_loss`.
        weights: the factor of each term of the generator's loss, by name: "adversarial",
            "feature_matching" and the names in `tf_melgan.losses.registry`. Terms that are left
            out have the weight in `PAPER_WEIGHTS`, or else 0. Terms of weight 0 are not computed.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    adversarial: str = "hinge"
    feature_matching_reduction: str = "mean_of_scales"
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_choice("loss.adversarial", self.adversarial, ADVERSARIAL)
        require_choice(
            "loss.feature_matching_reduction",
            self.feature_matching_reduction,
            FEATURE_MATCHING_REDUCTIONS,
        )
        defaults = PAPER_WEIGHTS | dict.fromkeys(SPECTRAL_LOSSES, 0.0)
        for key, value in self.weights.items():
            if key not in defaults:
                hint = suggest(key, list(defaults), "loss.weights.")
                raise UserInputError(f"loss.weights.{shown_key(key)} is not a known key; {hint}")
            require(value >= 0, f"loss.weights.{key} is {value}; it must be 0 or more")
        # The dataclass is frozen; this adds the default weights.
        object.__setattr__(self, "weights", defaults | dict(self.weights))
        require(
            any(self.weights.values()), "loss.weights are all 0; give at least one term a weight"
        )

    def active_terms(self, adversarial: bool = True) -> dict[str, float]:
        """Returns the terms with a weight above 0, in a fixed order.

        Args:
            adversarial: whether to include the terms that need the discriminator.
        """
        return {
            name: weight
            for name, weight in self.weights.items()
            if weight > 0 and (adversarial or name not in PAPER_WEIGHTS)
        }
