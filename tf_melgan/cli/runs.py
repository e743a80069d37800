"""What `train` and `finetune` say where they end, or are ended."""

import shlex
from contextlib import AbstractContextManager
from pathlib import Path

from tf_melgan.cli.signals import ends_at_once
from tf_melgan.voices.run_folder import GENERATOR, last_step


def resumable(run: Path) -> AbstractContextManager[None]:
    """Ends the process at once on Ctrl-C and SIGTERM, with a line about what `run` keeps."""
    return ends_at_once(lambda: _kept(run))


def report_end(run: Path, steps: int) -> None:
    """Prints where the voice of a run is and what to do next.

    Args:
        run: the run's folder.
        steps: the steps that the run is to have.
    """
    step = last_step(run)
    goes_on = f" of {steps}; the same command goes on from there" if step < steps else ""
    print(f"{run}: trained to step {step}{goes_on}")
    print(f"{run / GENERATOR} is the voice; hear it with")
    print(f"  tf-melgan vocode RECORDINGS --voice {shlex.quote(str(run))} --out wavs/")


def _kept(run: Path) -> str:
    step = last_step(run)
    if not step:
        return f"{run} has no checkpoint yet; run the same command again to start anew"
    return f"{run} keeps the checkpoint of step {step}; run the same command again to go on"
