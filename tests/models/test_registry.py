"""What a config's `type` may be; tests/docs/test_contributing.py adds types."""

import pytest

from tf_melgan.config import Config
from tf_melgan.errors import UserInputError


@pytest.mark.parametrize(
    ("section", "known"), [("generator", "melgan, fourier"), ("discriminator", "multi_scale")]
)
def test_an_unknown_type_is_refused(section, known):
    line = rf"^config: {section}.type is 'waves'; choose one of {known}$"
    with pytest.raises(UserInputError, match=line):
        Config.from_dict({section: {"type": "waves"}})
