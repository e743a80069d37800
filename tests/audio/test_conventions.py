"""The error message for each invalid spec or mel."""

import numpy as np
import pytest
from helpers.bad_input import assert_user_error

from tf_melgan.audio.conventions import check_mel, convert_mel
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec

MEL = np.full((4, 80), -2.0, np.float32)

ERRORS = {
    "unequal margins": (
        lambda: MelSpec(n_fft=1023),
        "mel.n_fft is 1023; it must be mel.hop 256 plus an even number, so that both "
        "margins are equal",
    ),
    "beyond half the rate": (
        lambda: MelSpec(sample_rate=16000),
        "mel.fmin is 0.0 and mel.fmax 11025.0 Hz; give 0 <= fmin < fmax <= 8000, half the sample "
        "rate",
    ),
    "unknown logarithm": (
        lambda: MelSpec(log="dB"),
        "mel.log is 'dB'; choose one of log10, ln",
    ),
    "floor of nothing": (
        lambda: MelSpec(floor=0.0),
        "mel.floor is 0.0; it must be at least 1e-30",
    ),
    "no bands": (
        lambda: MelSpec(n_mels=0),
        "mel.n_mels is 0; it must be at least 1",
    ),
    "bands without a frequency": (
        lambda: MelSpec(n_fft=256, hop=64).require_bands(),
        "mel.n_mels is 80: 2 bands contain no frequency of mel.n_fft 256; "
        "give fewer bands or a longer window",
    ),
    "hop in words": (
        lambda: MelSpec.from_dict({"hop": "256"}),
        "mel.hop is '256'; give a whole number",
    ),
    "unknown key": (
        lambda: MelSpec.from_dict({"bands": 80}),
        "mel.bands is not a known key; known: center, epsilon, floor, fmax, fmin, hop, htk, log, "
        "n_fft, n_mels, norm, pad_mode, power, sample_rate, win_length",
    ),
    "centered odd frames": (
        lambda: MelSpec(n_fft=1023, center=True),
        "mel.n_fft is 1023; it must be even, so that both margins are equal",
    ),
    "window over its frame": (
        lambda: MelSpec(win_length=1200),
        "mel.win_length is 1200; it must be at most mel.n_fft 1024",
    ),
    "third power": (lambda: MelSpec(power=3.0), "mel.power is 3.0; give 1 or 2"),
    "number for a boolean": (lambda: MelSpec(htk=1), "mel.htk is 1; give true or false"),
    "boolean for a number": (lambda: MelSpec(hop=True), "mel.hop is True; give a whole number"),
    "unknown norm": (
        lambda: MelSpec(norm="area"),
        "mel.norm is 'area'; choose one of slaney, none",
    ),
    "unknown padding": (
        lambda: MelSpec(pad_mode="edge"),
        "mel.pad_mode is 'edge'; choose one of reflect, constant",
    ),
    "integer audio": (
        lambda: log_mel(np.zeros(512, np.int16), MelSpec()),
        "the audio is int16; give float32 or float64 within [-1, 1]",
    ),
    "no audio": (
        lambda: log_mel(np.zeros(0), MelSpec()),
        "the audio has no samples; give at least one",
    ),
    "mel of other bands": (
        lambda: check_mel(MEL[:, :64], MelSpec(), name="a.npy"),
        "a.npy: has shape (4, 64), not (frames, 80)",
    ),
    "mels in a batch": (
        lambda: check_mel(np.stack([MEL, MEL]), MelSpec(), name="a.npy"),
        "a.npy: has shape (2, 4, 80); give (frames, 80)",
    ),
    "mel whose axes look alike": (
        lambda: check_mel(np.zeros((1, 80, 80)), MelSpec(), name="a.npy"),
        "a.npy: has shape (1, 80, 80), in which bands look like frames; give (frames, 80)",
    ),
    "mel of integers": (
        lambda: check_mel(MEL.astype(int), MelSpec(), name="a.npy"),
        "a.npy: holds int64; give float32 log-mels",
    ),
    "mel with NaN": (
        lambda: check_mel(MEL * np.nan, MelSpec(), name="a.npy"),
        "a.npy: holds NaN or infinite values; give finite ones",
    ),
    "mel in another logarithm": (
        lambda: check_mel(MEL * 5, MelSpec(), name="a.npy"),
        "a.npy: goes from -10.00 to -10.00, but log10 of magnitudes goes from -5.00 to 1.39; "
        "it seems to be natural logarithms; name its convention (hifigan, tacotron2)",
    ),
    "mel that cannot be converted": (
        lambda: convert_mel(MEL, MelSpec(n_fft=2048), MelSpec()),
        "the mel cannot be converted: mel.n_fft is 2048, not 1024; compute it again from the audio",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_each_error_is_one_clear_line(case: str) -> None:
    assert_user_error(*ERRORS[case])
