"""User errors of `train`, each one line: configs, prepared folders and runs."""

import pytest
from helpers.command_lines import assert_one_line

SHIPPED = "lite, lj, lj-lite, melgan, melgan_16k, melgan_24k, melgan_48k, multiband, smoke"

CASES = {
    # Configs.
    "train typo.yaml data run": "{typo.yaml}: training.stps is not a known key; did you mean "
    "training.steps?",
    "train type.yaml data run": "{type.yaml}: generator.channels is 'wide'; give a whole number",
    "train hop.yaml data run": "{hop.yaml}: generator.upsampling [8, 8, 2] × generator.bands 1 "
    "= 128, but mel.hop is 256; they must be equal",
    "train segment.yaml data run": "{segment.yaml}: training.segment is 8000 samples; it must be "
    "a multiple of mel.hop 256",
    "train fmax.yaml data run": "{fmax.yaml}: mel.fmin is 0.0 and mel.fmax 11025.0 Hz; give 0 "
    "<= fmin < fmax <= 8000, half the sample rate",
    "train start.yaml data run": "{start.yaml}: training.discriminator_start is 1000, but without "
    "the discriminator there is no loss; give loss.weights.stft, compressed_stft or mel a weight",
    "train list.yaml data run": "{list.yaml}: the file is not a table of keys and values",
    "train broken.yaml data run": "{broken.yaml}: not YAML at line 2; write it as `key: value` "
    "lines",
    "train emptied.yaml data run": "{emptied.yaml}: is empty; restore it, or give another config",
    "train none.yaml data run": "{none.yaml}: cannot be read (No such file or directory); give a "
    "YAML config file",
    "train paper data run": f"paper: no such config; give a YAML file or the name of one; "
    f"known: {SHIPPED}",
    "train good.yaml data run --set training.batch": "--set training.batch: has no value; give "
    "key=value, such as training.steps=1000",
    "train good.yaml data run --set training.batch=0": "config: training.batch is 0; it must be at "
    "least 1",
    "train good.yaml data run --set training.gain=[0.3,": "--set training.gain=[0.3,: [0.3, is not "
    "YAML; give a number, word or [list]",
    "train good.yaml data run --set discriminator.downsampling=[3,3] --set "
    "discriminator.max_channels=64": "config: discriminator.downsampling is [3, 3]: after a stride "
    "of 3, 64 channels do not divide among 6 groups; choose a discriminator.max_channels that is "
    "a multiple of 6",
    "train good.yaml data run --set optimiser.beta_1=0": "optimiser.beta_1: no such key in the "
    "config; did you mean optimizer?",
    # Prepared folders.
    "train good.yaml empty run --dry-run": "{empty}: is not a prepared folder, no index.json (No "
    "such file or directory); run tf-melgan prepare",
    "train good.yaml damaged run --dry-run": "{damaged}/index.json: is damaged; prepare into a "
    "new folder",
    "train good.yaml short run --dry-run": "{short/*/*.npy}: has 44670 bytes, not 44672; prepare "
    "into a new folder",
    "train melgan data run --dry-run": "{data}: mel.n_fft is 256, not 1024; mel.hop is 32, not "
    "256; mel.n_mels is 20, not 80 in the config; prepare it with this config",
    # Runs.
    "train good.yaml data claimed": "{claimed/config.yaml}: training.batch is 4, not 2; give the "
    "run's own config, or another run folder",
    "train good.yaml data other-kind": "{other-kind/config.yaml}: generator.type is fourier, not "
    "melgan; give the run's own config, or another run folder",
}


@pytest.mark.parametrize("words", CASES)
def test_each_error_is_one_clear_line(workspace, words, capsys):
    assert_one_line(workspace, words, CASES[words], capsys)
