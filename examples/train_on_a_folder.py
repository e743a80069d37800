"""Trains a voice on a folder of recordings, and vocodes an utterance that it was not trained on.

    python examples/train_on_a_folder.py recordings/ my-voice/ --config lj-lite

Called again, it continues from the last checkpoint. `my-voice/` then holds

    data/                        the prepared recordings
    run/                         checkpoints, curves.png, and logs/ for TensorBoard
    recorded.wav, vocoded.wav    an utterance, and what the vocoder makes of its log-mel
"""

import argparse
from importlib import resources
from pathlib import Path

from tf_melgan import Config, Prepared, Vocoder, log_mel, prepare, train, write_audio


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", type=Path, help="a folder tree of wav, flac, ogg and mp3")
    parser.add_argument("out", type=Path, help="the folder that everything is written to")
    parser.add_argument("--config", default="smoke", help="a config that ships (default: smoke)")
    parser.add_argument("--steps", type=int, help="how long to train (default: as the config says)")
    arguments = parser.parse_args()

    config = Config.load(resources.files("tf_melgan.configs") / f"{arguments.config}.yaml")
    if arguments.steps:
        # Ten validations and checkpoints, or one after each step of a very short run.
        interval = max(1, arguments.steps // 10)
        values = {"training.steps": interval * (arguments.steps // interval)}
        config = config.with_values(**values, **{"training.checkpoint_interval": interval})

    data, run = arguments.out / "data", arguments.out / "run"
    print(prepare(arguments.recordings, data, config.mel))
    train(config, data, run)

    prepared = Prepared.open(data)
    utterance = (prepared.utterances("validation") or prepared.utterances("train"))[0]
    recorded = prepared.audio(utterance)  # float32 (samples,)
    vocoder = Vocoder.load(run)
    vocoded = vocoder.vocode(log_mel(recorded, vocoder.spec))
    for name, audio in {"recorded": recorded, "vocoded": vocoded}.items():
        write_audio(arguments.out / f"{name}.wav", audio, config.mel.sample_rate)
    print(f"{arguments.out}: listen to vocoded.wav beside recorded.wav ({utterance.path})")


if __name__ == "__main__":
    main()
