"""What the commands share: engine logs are hidden, and addresses refused where paths belong."""

import contextlib
import os
import subprocess
import sys

import pytest

from tf_melgan.cli.main import main
from tf_melgan.cli.options import hide_engine_logs

ENGINE = (
    "2026-01-02 03:04:05.678901: I tensorflow/core/util/port.cc:153] oneDNN operations are on",
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1700000000.000000    123 cuda.cc:1] no GPU",
    "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
    "To enable the following instructions: AVX2 FMA, rebuild TensorFlow.",
)
OTHERS = ("UserWarning: a value was clipped", "Error in the model: 3", "plain text")


def test_engine_logs_are_hidden_and_other_lines_are_shown(capfd):
    with hide_engine_logs():
        for line in (*ENGINE, *OTHERS):
            os.write(2, f"{line}\n".encode())
    assert capfd.readouterr().err.splitlines() == list(OTHERS)


def test_other_lines_are_shown_even_if_an_error_is_raised(capfd):
    with pytest.raises(ZeroDivisionError), hide_engine_logs():
        os.write(2, b"the reason\n")
        raise ZeroDivisionError
    assert capfd.readouterr().err == "the reason\n"


def test_python_warnings_are_shown():
    code = (
        "import warnings\nfrom tf_melgan.cli.options import hide_engine_logs\n"
        "with hide_engine_logs():\n    warnings.warn('the kernel is empty')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "UserWarning: the kernel is empty" in done.stderr


PLACES = {
    "prepare gs://bucket/recordings out": "recordings: gs://bucket/recordings",
    "prepare recordings s3://bucket/data": "out: s3://bucket/data",
    "train melgan memory://data run": "data: memory://data",
    "train melgan data hdfs://host/run": "run: hdfs://host/run",
    "finetune lj-lite recordings gs://bucket/run": "run: gs://bucket/run",
    "vocode https://host/mel.npy": "INPUT: https://host/mel.npy",
    "vocode a.npy --out gs://bucket/wavs": "--out: gs://bucket/wavs",
    "export lj-lite --to tflite --out file:///tmp/voice.tflite": "--out: file:///tmp/voice.tflite",
    "evaluate a b --out gs://bucket/scores": "--out: gs://bucket/scores",
    "demo gs://bucket/demo": "out: gs://bucket/demo",
}


@pytest.mark.parametrize("words", PLACES)
def test_addresses_are_refused(words, tmp_path, capsys):
    with contextlib.chdir(tmp_path), pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    reason = "is not a path on this machine; copy the files here, or mount the bucket"
    assert line.endswith(f"argument {PLACES[words]}: {reason}")
    assert list(tmp_path.iterdir()) == []
