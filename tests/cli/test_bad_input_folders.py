"""User errors of `export`, `evaluate` and `prepare`, each one line."""

import pytest
from helpers.command_lines import assert_one_line, run

CASES = {
    "export voice.keras --to saved-model --out recordings": "{recordings}: exists and is "
    "not an exported voice; give a new folder",
    "export voice.keras --to tflite --weights float16 --calibration recordings --out out.tflite": ""
    "--calibration: --weights float16 does not use it; leave it out, or give int8",
    "export none --to tflite --out out.tflite": "{none}: no such file or folder; give a run's "
    "folder, a .keras or a .npz file",
    "export none --to saved-model --weights int8 --out out": "--weights: --to saved-model does "
    "not use it; leave it out",
    "export none --to weights --name her --out out": "--name: --to weights does not use it; "
    "leave it out",
    "export voice.keras --to tflite --weights int8-dynamic --out out.tflite": "weights "
    "int8-dynamic: no layer has 64 input channels or more, so nothing would be int8; use float16 "
    "or int8",
    "export voice.keras --to tflite --weights int8 --out out.tflite": "weights int8: need "
    "recordings to calibrate with; give --calibration",
    "export voice.keras --to tflite --weights int8 --calibration empty --out out.tflite": ""
    "{empty}: holds no mels and no recordings",
    "export voice.keras --to tflite --out recordings/a.wav": "--out: {recordings/a.wav} is not "
    "a .tflite file; give one",
    "evaluate recordings --out out": "there is nothing to compare; give a folder of synthesized "
    "speech",
    "evaluate none one --out out": "{none}: no such folder; give one with wav, flac, ogg or mp3 "
    "files",
    "evaluate recordings one --out good.yaml": "{good.yaml}: cannot be written (Not a directory); "
    "choose another folder",
    "evaluate recordings other --out out": "{other/c.wav}: has no recording of the same name in "
    "{recordings}",
    "prepare none out": "{none}: no such folder; give one with recordings",
    "prepare recordings out --validation 2": "validation is 2.0; give a share from 0 to below 1",
    "prepare recordings out --jobs -1": "jobs is -1; give at least 1 thread",
}


@pytest.mark.parametrize("words", CASES)
def test_each_error_is_one_clear_line(workspace, words, capsys):
    assert_one_line(workspace, words, CASES[words], capsys)


def test_ctrl_c_ends_with_one_line(workspace, monkeypatch, capsys):
    def interrupt(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("tf_melgan.data.prepare.prepare", interrupt)
    assert run(workspace, "prepare recordings out") == 130
    assert capsys.readouterr().err == "\ntf-melgan: interrupted\n"
