"""`tf-melgan import`: makes a voice of a checkpoint that another project trained."""

import argparse
from typing import Any

from tf_melgan.cli.options import add_command, hide_engine_logs, local_path
from tf_melgan.errors import UserInputError


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "import",
        _run,
        "Make a voice of a checkpoint that another project trained.",
        "import best_netG.pt --out voice.npz",
    )
    command.add_argument(
        "checkpoint",
        nargs="+",
        type=local_path,
        help="the checkpoint; the discriminators' file after it where they have their own",
    )
    command.add_argument(
        "--from",
        dest="source",
        default="auto",
        metavar="PROJECT",
        help="the project that trained it (default: auto, by the names of its tensors)",
    )
    command.add_argument(
        "--config",
        type=local_path,
        help="the project's config (default: config.yml or config.json beside the checkpoint)",
    )
    command.add_argument(
        "--stats",
        type=local_path,
        help="the statistics of its mels (default: stats.h5 or stats.npy beside the checkpoint)",
    )
    command.add_argument("--out", required=True, type=local_path, help="the .npz file to write")


def _run(arguments: argparse.Namespace) -> None:
    if arguments.out.suffix != ".npz":
        raise UserInputError(f"--out: {arguments.out} is not a .npz file; give one")
    with hide_engine_logs():
        import numpy as np

        from tf_melgan.interop.importing import import_voice

        voice = import_voice(
            arguments.checkpoint, arguments.source, arguments.config, arguments.stats
        )
        # Half precision would change the sound by more than the import does.
        voice.save(arguments.out, np.float32)
    mel, trained = voice.config.mel, "with" if voice.discriminator else "without"
    print(
        f"{arguments.out}: a {voice.config.generator.type} generator {trained} discriminators; "
        f"reads {mel.n_mels} bands of {mel.log}, {mel.fmin:g} to {mel.fmax:g} Hz, at "
        f"{mel.sample_rate} Hz and hop {mel.hop}"
    )
