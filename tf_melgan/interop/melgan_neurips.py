"""Checkpoints of descriptinc/melgan-neurips, MelGAN's official code.

`best_netG.pt` (or `netG.pt`) is the state of the generator alone, `netD.pt` that of the
discriminators. The mel convention is in the code, and the same as `MelSpec`'s default; args.yml
holds Python objects and nothing that is needed, so it is not read.
"""

from __future__ import annotations

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require
from tf_melgan.interop import melgan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.source import Source
from tf_melgan.interop.voices import voice, voice_config
from tf_melgan.voices.weights_file import VoiceWeights

_BLOCK = networks.BlockNames("{entry}.block.2", "{entry}.block.4", "{entry}.shortcut", entries=True)
_DISCRIMINATOR = "model.disc_"


def _recognises(checkpoint: Checkpoint) -> bool:
    names = [name.removeprefix("module.") for name in checkpoint.names()]
    return any(
        name.startswith(_DISCRIMINATOR) or (name.startswith("model.") and ".block.2." in name)
        for name in names
    )


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    state = checkpoint.state()
    require(
        any(".block.2." in name for name in state.names),
        "holds discriminators without a generator; give best_netG.pt, and this file after it",
    )
    names = networks.generator_names(state, "model", _BLOCK)
    config = networks.generator_config(state, names)
    mel = MelSpec(n_mels=state.kernel_shape(names.first)[1])
    scales = networks.discriminator_names(state, _DISCRIMINATOR)
    section = networks.discriminator_config(state, scales) if scales else None
    settings = voice_config(mel, config, section)
    generator, discriminator = config.build_generator(mel), None
    networks.fill_generator(generator, state, names)
    if section:
        discriminator = section.build_discriminator()
        networks.fill_discriminator(discriminator, state, scales)
    state.finish()
    return voice(checkpoint.path, settings, generator, discriminator)


SOURCE = Source("melgan-neurips", _recognises, _convert)
