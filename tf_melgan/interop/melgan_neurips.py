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
from tf_melgan.interop.melgan_voices import Network, melgan_voice
from tf_melgan.interop.source import Source
from tf_melgan.voices.weights_file import VoiceWeights

_BLOCK = networks.BlockNames("{entry}.block.2", "{entry}.block.4", "{entry}.shortcut", entries=True)
_GENERATOR, _DISCRIMINATOR = "model", "model.disc_"
_FIRST = f"{_GENERATOR}.1"


def _recognises(checkpoint: Checkpoint) -> bool:
    names = [name.removeprefix("module.") for name in checkpoint.names()]
    generator = any(name.startswith(f"{_GENERATOR}.") and ".block.2." in name for name in names)
    return generator or any(name.startswith(_DISCRIMINATOR) for name in names)


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    state = checkpoint.state()
    generator = state.part(lambda name: not name.startswith(_DISCRIMINATOR))
    discriminator = state.part(lambda name: name.startswith(_DISCRIMINATOR))
    require(
        bool(generator.names),
        "holds discriminators without a generator; give best_netG.pt, and this file after it",
    )
    return melgan_voice(
        checkpoint,
        Network(generator, _GENERATOR),
        _BLOCK,
        MelSpec(n_mels=generator.kernel_shape(_FIRST)[1]),
        discriminator=Network(discriminator, _DISCRIMINATOR) if discriminator.names else None,
    )


SOURCE = Source("melgan-neurips", _recognises, _convert)
