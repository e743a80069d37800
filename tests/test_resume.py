"""A run that is killed again and again ends with the bits of one that was not."""

from pathlib import Path

import pytest

from benchmarks import soak

pytest.importorskip("tensorflow")


def test_three_kills_change_no_bit(tmp_path: Path) -> None:
    result = soak.soak(tmp_path, kills=3, replicas=1, seed=1)
    assert [kill["while_writing"] for kill in result["kills"]] == [False, False, True]
    assert result["digests"] == [result["expected"]] * len(result["digests"])
