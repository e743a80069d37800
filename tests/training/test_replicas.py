"""Synchronous training on two replicas equals one; unsupported settings are refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

WORKER = Path(__file__).parents[1] / "helpers" / "replicas_worker.py"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The results of `replicas_worker.py`, in a process that splits its CPU into two devices."""
    path = tmp_path_factory.mktemp("replicas") / "results.json"
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    subprocess.run([sys.executable, WORKER, path], env=environment, check=True)
    return json.loads(path.read_text())


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "spectral losses"])
def test_two_replicas_equal_one_after_three_steps(results: dict, optimizer: str) -> None:
    assert results[optimizer]["replicas"] == 2
    assert results[optimizer]["moved"] > 1e-4
    # The spectral losses are compared in float64; ratios of replicas would differ by 1e-6.
    assert results[optimizer]["difference"] <= (1e-10 if optimizer == "spectral losses" else 1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "spectral losses"])
def test_two_replicas_evaluate_as_one(results: dict, optimizer: str) -> None:
    one, two = results[optimizer]["evaluation"]
    assert len(one) > 4
    assert two == pytest.approx(one, rel=1e-5)


@pytest.mark.parametrize("variable", ["g", "bias"])
def test_replicas_initialize_weight_normalization_as_one(results: dict, variable: str) -> None:
    (one,) = results["data_init"]["one"][variable]
    first, second = results["data_init"]["two"][variable]
    assert first == second
    assert first == pytest.approx(one, rel=1e-12)


@pytest.mark.parametrize(
    "case,line",
    {
        "incomplete": "the last batch may be incomplete, and 2 replicas need equal shares; "
        "make batches with batch(size, drop_remainder=True)",
        "odd": "a batch of 3 does not divide among 2 replicas; choose a multiple of 2",
        "odd validation": "a batch of 3 does not divide among 2 replicas; choose a multiple of 2",
        "odd evaluation": "a batch of 3 does not divide among 2 replicas; choose a multiple of 2",
        "odd rest": "a batch of 3 does not divide among 2 replicas; choose a multiple of 2",
        "steps_per_execution": "steps_per_execution over 1 does not work on several replicas; "
        "leave it out",
        "jit_compile": "jit_compile=True does not work on several replicas; leave it out",
        "float16": "mixed_float16 (use mixed_bfloat16) does not work on several replicas; "
        "leave it out",
    }.items(),
)
def test_unsupported_settings_are_refused(results: dict, case: str, line: str) -> None:
    assert results["refused"][case] == line
