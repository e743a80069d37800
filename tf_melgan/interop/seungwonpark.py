"""Checkpoints of seungwonpark/melgan: both networks and the text of the config in one file.

The generator normalizes its input to (mel + 5) / 5, which is folded into its weights. The project
appends ten frames of silence to a mel and cuts them off again, which changes the last samples; a
voice does not do that.
"""

from __future__ import annotations

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.statistics import Statistics
from tf_melgan.errors import require
from tf_melgan.interop import melgan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.melgan_voices import Network, melgan_voice
from tf_melgan.interop.settings import Settings, parse_documents
from tf_melgan.interop.source import Source
from tf_melgan.voices.weights_file import VoiceWeights

_BLOCK = networks.BlockNames(
    "{entry}.blocks.{block}.2", "{entry}.blocks.{block}.4", "{entry}.shortcuts.{block}", False
)
_GENERATOR, _DISCRIMINATOR = ("model_g", "generator"), ("model_d", "discriminators")
_MEAN, _DEVIATION = -5.0, 5.0


def _recognises(checkpoint: Checkpoint) -> bool:
    key, prefix = _GENERATOR
    names = checkpoint.names(key)
    return any(name.removeprefix("module.").startswith(f"{prefix}.") for name in names)


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    mel = _mel(_settings(checkpoint))
    discriminator = checkpoint.state(_DISCRIMINATOR[0])
    return melgan_voice(
        checkpoint,
        Network(checkpoint.state(_GENERATOR[0]), _GENERATOR[1]),
        _BLOCK,
        mel,
        Statistics.of_scale(_MEAN, _DEVIATION, mel.n_mels),
        Network(discriminator, _DISCRIMINATOR[1]) if discriminator.names else None,
    )


def _settings(checkpoint: Checkpoint) -> Settings:
    """The config given, or else the text of it in the checkpoint."""
    if checkpoint.settings:
        return checkpoint.settings
    values = parse_documents(str(checkpoint.content.get("hp_str", "")))
    require(isinstance(values, dict) and bool(values), "has no config in it; give --config")
    return Settings(values, "its hp_str")


def _mel(settings: Settings) -> MelSpec:
    rate = settings.number("audio.sampling_rate")
    fmax = settings.get("audio.mel_fmax", None)
    return MelSpec(
        sample_rate=rate,
        n_fft=settings.number("audio.filter_length"),
        hop=settings.number("audio.hop_length"),
        n_mels=settings.number("audio.n_mel_channels"),
        fmin=settings.number("audio.mel_fmin"),
        fmax=rate / 2 if fmax is None else fmax,
        log="ln",
        win_length=settings.number("audio.win_length"),
        center=True,
    )


SOURCE = Source("seungwonpark", _recognises, _convert)
