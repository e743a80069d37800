"""The discriminators' accuracy on scores where it can be counted."""

import numpy as np
import pytest

from tf_melgan.losses.adversarial import accuracy


@pytest.mark.parametrize(("kind", "middle"), [("hinge", 0.0), ("least_squares", 0.5)])
def test_accuracy_counts_the_scores_on_the_right_side(kind, middle):
    features = np.zeros((1, 4, 2), np.float32)

    def outputs(*scales):
        return [[features, np.array(scores, np.float32) + middle] for scores in scales]

    # 3 of 4 recorded and 1 of 4 generated windows; then 2 of 2 and 1 of 2, of another length.
    real, fake = outputs([1, 2, 3, -1], [1, 1]), outputs([1, 2, 3, -1], [-1, 1])
    assert float(accuracy(kind, real, fake)) == pytest.approx((3 / 4 + 1 / 4 + 1 + 1 / 2) / 4)
    # Whoever guesses is right half of the time; a score in the middle is on neither side.
    assert float(accuracy(kind, real, real)) == pytest.approx(0.5)
    assert float(accuracy(kind, outputs([0]), outputs([0]))) == 0
