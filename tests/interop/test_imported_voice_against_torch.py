"""An imported voice is a voice: the command writes it, and it is exported, streamed and kept."""

import numpy as np
import torch
from helpers import torch_projects
from helpers.torch_arrays import channels_last

from tf_melgan import Vocoder
from tf_melgan.cli.main import main
from tf_melgan.interop.importing import import_voice
from tf_melgan.voices.weights_file import load_weights


def test_from_checkpoint_to_stream(tmp_path, capsys):
    network = torch_projects.generator()
    state = torch_projects.renamed(network, ("^layers", "model"))
    torch.save(state, tmp_path / "netG.pt")
    npz, tflite = str(tmp_path / "voice.npz"), str(tmp_path / "voice.tflite")
    assert main(["import", str(tmp_path / "netG.pt"), "--out", npz]) == 0
    assert "a melgan generator without discriminators; reads 4 bands" in capsys.readouterr().out
    imported, kept = import_voice(tmp_path / "netG.pt"), load_weights(npz)
    assert imported.config == kept.config
    for array, expected in zip(kept.generator, imported.generator, strict=True):
        np.testing.assert_array_equal(array, expected)
    assert main(["export", npz, "--to", "tflite", "--out", tflite]) == 0

    vocoder, mel = Vocoder.load(tflite), torch_projects.mel(40)
    with torch.no_grad():
        expected = network(mel).numpy()[0, 0]
    frames = channels_last(mel)[0]
    stream = vocoder.stream()
    parts = [stream.push(part) for part in np.split(frames, (1, 9, 30))]
    streamed = np.concatenate([*parts, stream.finish()])
    np.testing.assert_array_equal(streamed, vocoder.vocode(frames))
    assert np.abs(streamed - expected).max() <= 1e-5 * np.abs(expected).max()
