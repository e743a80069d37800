"""The sentence that the tests of metrics score, clean and with noise."""

import numpy as np
import pytest
from helpers.noisy_speech import clean_speech, noisy_speech


@pytest.fixture(scope="session")
def speech() -> np.ndarray:
    return clean_speech()


@pytest.fixture(scope="session")
def noisy() -> np.ndarray:
    return noisy_speech()
