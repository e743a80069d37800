"""Turns the log-mels of an acoustic model into wavs.

    python examples/vocode_mels.py mels/*.npy --voice lj-lite --out wavs/

Each .npy holds one mel, float32 (frames, bands) or, with --bands-first, (bands, frames). Most
acoustic models give natural logarithms of magnitudes, where the voices that ship take log10:
`convert_mel` converts them, and undoes a normalization if it is told its mean and deviation. Sample
rate, hop and bands must be those of the voice.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from tf_melgan import Vocoder, convert_mel, write_audio


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mels", type=Path, nargs="+", metavar="MEL.npy")
    parser.add_argument("--voice", default="lj-lite", help="a run, a file, or one that ships")
    parser.add_argument("--log", choices=["ln", "log10"], default="ln", help="(default: ln)")
    parser.add_argument("--floor", type=float, default=1e-5, help="before the log (default: 1e-5)")
    parser.add_argument("--mean", type=float, default=0.0, help="that was subtracted (default: 0)")
    parser.add_argument("--std", type=float, default=1.0, help="that was divided by (default: 1)")
    parser.add_argument("--bands-first", action="store_true", help="mels are (bands, frames)")
    parser.add_argument("--out", type=Path, default=Path("wavs"), help="(default: wavs)")
    arguments = parser.parse_args()

    vocoder = Vocoder.load(arguments.voice)
    source = replace(vocoder.spec, log=arguments.log, floor=arguments.floor)
    for path in arguments.mels:
        mel = np.load(path).astype(np.float32)
        if arguments.bands_first:
            mel = mel.T
        mel = convert_mel(mel, source, vocoder.spec, arguments.mean, arguments.std)
        audio = vocoder.vocode(mel)  # float32 (frames · hop,)
        out = arguments.out / f"{path.stem}.wav"
        write_audio(out, audio, vocoder.spec.sample_rate)
        print(f"{out}: {len(audio) / vocoder.spec.sample_rate:.1f} s")


if __name__ == "__main__":
    main()
