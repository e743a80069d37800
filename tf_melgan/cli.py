"""The command line: tf-melgan prepare | train | finetune | vocode | export | evaluate | demo."""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from tf_melgan import voices
from tf_melgan.arguments import parser
from tf_melgan.errors import BadInput
from tf_melgan.extras import needed_for
from tf_melgan.voice_file import CALIBRATED

BAD_INPUT, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command. Returns 0, 2 after one line about bad input, or 130 after Ctrl-C."""
    arguments = parser().parse_args(argv)
    try:
        with needed_for(f"tf-melgan {arguments.command}"):
            _COMMANDS[arguments.command](arguments)
    except (BadInput, ImportError) as error:
        print(f"tf-melgan: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        again = "; the same command goes on from the last checkpoint, where there is one"
        resumes = arguments.command in ("train", "finetune")
        print(f"\ntf-melgan: interrupted{again if resumes else ''}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _prepare(arguments: argparse.Namespace) -> None:
    from tf_melgan.preparation import prepare

    print(
        prepare(
            arguments.recordings,
            arguments.out,
            _config(arguments.config).mel,
            validation=arguments.validation,
            validation_ids=arguments.validation_ids,
            jobs=arguments.jobs,
        )
    )


def _train(arguments: argparse.Namespace) -> None:
    config = _config(arguments.config).with_values(**_settings(arguments.set))
    if arguments.dry_run:
        _dry_run(config, arguments.data)
        return
    with _quietly():
        from tf_melgan.training import train
    train(config, arguments.data, arguments.run_folder)


def _finetune(arguments: argparse.Namespace) -> None:
    with _quietly():
        from tf_melgan.finetuning import finetune
    finetune(arguments.voice, arguments.recordings, arguments.run_folder, _settings(arguments.set))


def _dry_run(config: Any, data: str) -> None:
    from tf_melgan import cost
    from tf_melgan.data import Prepared
    from tf_melgan.features import differences

    prepared = Prepared.open(data)
    unlike = differences(prepared.spec, config.mel)
    if unlike:
        raise BadInput(f"{data}: {'; '.join(unlike)} in the config; prepare it with this config")
    print(cost.summary(config))
    samples = {}
    for split in ("train", "validation"):
        utterances = prepared.utterances(split)
        samples[split] = sum(utterance.samples for utterance in utterances)
        minutes = samples[split] / config.mel.sample_rate / 60
        recordings = len({utterance.path for utterance in utterances})
        print(f"{split:<15}{recordings:,} recordings, {minutes:.1f} minutes")
    training = config.training
    batches = max(1, round(samples["train"] / (training.batch * training.segment)))
    print(f"{'epoch':<15}{batches:,} batches; {training.steps / batches:,.0f} epochs in all")


def _vocode(arguments: argparse.Namespace) -> None:
    from tf_melgan import mel_files
    from tf_melgan.progress import Progress
    from tf_melgan.vocoder import Vocoder

    voice, inputs = _voice_and_inputs(arguments.words)
    jobs = _targets(inputs, arguments.out)
    with _quietly():
        vocoder = Vocoder.load(voice, arguments.threads)
    spec, written = vocoder.spec, []
    frames = sum(mel_files.frames(source, spec) for source in jobs)
    start = time.perf_counter()
    with Progress(frames, "vocode", "frames") as progress:
        for source, target in jobs.items():
            subtype = "FLOAT" if arguments.float else "PCM_16"
            written.append(vocoder.vocode_file(source, target, subtype, progress.advance))
    seconds = sum(wav.samples for wav in written) / spec.sample_rate
    speed = seconds / (time.perf_counter() - start)
    print(f"{len(jobs)} wavs, {seconds:.1f} s of sound, {speed:.1f} × real time: {arguments.out}")
    clipped = sum(wav.clipped for wav in written)
    if clipped:
        print(f"{clipped} samples were beyond full scale and clipped", file=sys.stderr)


def _voice_and_inputs(words: list[str]) -> tuple[str, list[Path]]:
    """The voice is the first word, unless that is something to vocode."""
    from tf_melgan.mel_files import SUFFIXES

    first = Path(words[0])
    marks = ("config.yaml", "saved_model.pb")
    recordings = first.is_dir() and not any((first / mark).exists() for mark in marks)
    if recordings or first.suffix.lower() in SUFFIXES:
        words = [str(voices.file(voices.DEFAULT)), *words]
    if len(words) == 1:
        raise BadInput(f"{first}: is all that was given; give .npy mels, recordings, or folders")
    return words[0], [Path(word) for word in words[1:]]


def _targets(inputs: list[Path], out: Path) -> dict[Path, Path]:
    """Where the sound of each input file goes."""
    from tf_melgan import audio
    from tf_melgan.mel_files import SUFFIXES as known

    targets: dict[Path, Path] = {}
    for path in inputs:
        if path.is_dir():
            found = audio.below(path, known)
            if not found:
                raise BadInput(f"{path}: holds no .npy mels and no recordings")
            targets |= {x: out / x.relative_to(path).with_suffix(".wav") for x in found}
        elif not path.is_file():
            raise BadInput(f"{path}: no such file; give .npy mels, recordings, or a folder of them")
        elif path.suffix.lower() not in known:
            raise BadInput(f"{path}: is no {', '.join(known)} file; give a mel or a recording")
        else:
            targets[path] = out / f"{path.stem}.wav"
    if out.suffix == ".wav" and len(targets) == 1:
        targets = dict.fromkeys(targets, out)
    sources: dict[Path, Path] = {}
    given = {source.resolve() for source in targets}
    for source, target in targets.items():
        if target.resolve() in given:
            raise BadInput(f"{target}: is to be vocoded, and would be overwritten; give --out")
        if target in sources:
            raise BadInput(f"{source}: would be {target}, as {sources[target]}; rename one of them")
        sources[target] = source
    return targets


def _evaluate(arguments: argparse.Namespace) -> None:
    from tf_melgan import evaluation, report

    systems = list(arguments.systems)
    if arguments.griffin_lim:
        baseline = arguments.out / "griffin-lim"
        systems.append(evaluation.add_griffin_lim(arguments.reference, systems, baseline))
    result = evaluation.evaluate(arguments.reference, systems)
    report.write(result, arguments.out)
    print(report.summary(result))
    print(f"{arguments.out / 'report.html'} has the table, the sound and the spectrograms")


# What `export` makes: its file's suffix, and the options that it takes.
_TARGETS = {
    "tflite": (".tflite", ("weights", "calibration", "name", "licence")),
    "saved-model": ("", ("name", "licence")),
    "weights": (".npz", ()),
}


def _export(arguments: argparse.Namespace) -> None:
    from tf_melgan import mel_files

    suffix, options = _TARGETS[arguments.to]
    for option in ("weights", "calibration", "name", "licence"):
        if getattr(arguments, option) is not None and option not in options:
            raise BadInput(f"--{option}: --to {arguments.to} has no use for it; leave it out")
    if arguments.calibration and arguments.weights not in CALIBRATED:
        raise BadInput(
            f"--calibration: --weights {arguments.weights or 'float32'} has no use for it; "
            f"leave it out, or give {' or '.join(CALIBRATED)}"
        )
    if suffix and arguments.out.suffix != suffix:
        raise BadInput(f"--out: {arguments.out} is no {suffix} file; give one")
    if arguments.to == "weights":
        with _quietly():
            from tf_melgan.finetuning import pack
        pack(arguments.model, arguments.out)
        print(f"{arguments.out}: tf-melgan finetune starts from it")
        return
    with _quietly():
        from tf_melgan import export
        from tf_melgan.keras_voice import KerasVoice

        source = voices.found(arguments.model, ".npz")
        voice = KerasVoice.open(source)
        # A folder that is a number is a version of what the one above is called.
        place = arguments.out.absolute()
        own = place.parent.name if place.name.isdigit() else place.stem
        name, licence = arguments.name or own, arguments.licence or voices.licence(source)
        if arguments.to == "tflite":
            calibration = (
                mel_files.some(arguments.calibration, voice.spec) if arguments.calibration else ()
            )
            given = (arguments.weights or "float32", name, licence, calibration)
            info = export.export_tflite(voice.generator, voice.spec, arguments.out, *given)
        else:
            given = (voice.generator, voice.spec, arguments.out, name, licence)
            info = export.export_saved_model(*given)
    print(f"{arguments.out}: {info.summary()}")


def _demo(arguments: argparse.Namespace) -> None:
    from tf_melgan.demo import demo

    with _quietly():
        demo(arguments.out)


def _config(name: str) -> Any:
    """A config file, or one that ships with the package by its name."""
    from tf_melgan.config import Config

    if not Path(name).is_file() and Path(name).suffix == "":
        folder = resources.files("tf_melgan.configs")
        shipped = sorted(Path(x.name).stem for x in folder.iterdir() if x.name.endswith(".yaml"))
        if name not in shipped:
            raise BadInput(f"{name}: no such config; give a YAML file or {', '.join(shipped)}")
        with resources.as_file(folder / f"{name}.yaml") as path:
            return Config.load(path)
    return Config.load(name)


def _settings(pairs: list[str]) -> dict[str, Any]:
    import yaml

    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"--set {pair}: has no value; give key=value, as training.steps=1000")
        try:
            settings[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise BadInput(
                f"--set {pair}: {value} is not YAML; give a number, word or [list]"
            ) from None
    return settings


@contextmanager
def _quietly() -> Iterator[None]:
    """Hides what TensorFlow prints to standard error while it loads; exceptions go through."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    errors, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(errors, 2)
        os.close(errors)
        os.close(nowhere)


_COMMANDS = {
    "prepare": _prepare,
    "train": _train,
    "finetune": _finetune,
    "vocode": _vocode,
    "export": _export,
    "evaluate": _evaluate,
    "demo": _demo,
}
