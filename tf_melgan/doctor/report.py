"""What `tf-melgan doctor` finds out about a file or folder."""

import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches


@dataclass(frozen=True)
class Report:
    """What a file or folder is.

    Attributes:
        what: its kind, such as "a prepared folder".
        details: further facts, a line each.
        spec: the mel that it reads or was made for; None for sounds, and where it is not known.
        problem: why it cannot be used as it is, or "".
        command: the command that goes on with it; "" if there is none.
    """

    what: str
    details: list[str] = field(default_factory=list)
    spec: MelSpec | None = None
    problem: str = ""
    command: str = ""

    def compared(self, spec: MelSpec, voice: str) -> "Report":
        """The report with a problem where the mels differ from those of a voice.

        Args:
            spec: the mel of the voice.
            voice: the name of the voice.
        """
        differences = spec_mismatches(self.spec, spec) if self.spec else []
        if not differences:
            return self
        problem = f"its mels are not those of {voice}: {', '.join(differences)}"
        return replace(self, problem=self.problem or problem)

    def lines(self, path: str | Path) -> list[str]:
        """The lines to print about the file or folder at `path`."""
        mel = [f"  mel: {described(self.spec)}"] if self.spec else []
        problem = [f"  does not fit: {self.problem}"] if self.problem else []
        command = [f"  go on with: {self.command}"] if self.command else []
        return [f"{path}: {self.what}", *mel, *(f"  {x}" for x in self.details), *problem, *command]


_ALWAYS_SAID = ("sample_rate", "n_fft", "hop", "n_mels", "fmin", "fmax", "log", "floor")
Examination = Callable[[Path], Report]


def described(spec: MelSpec) -> str:
    """A mel convention in words; only what is unusual of the analysis is said."""
    usual = asdict(MelSpec())
    unusual = [
        f"{key} {value}"
        for key, value in asdict(spec).items()
        if key not in _ALWAYS_SAID and value != usual[key]
    ]
    return ", ".join(
        [
            f"{spec.n_mels} bands from {spec.fmin:g} to {spec.fmax:g} Hz",
            f"{spec.log} with floor {spec.floor:g}",
            f"{spec.sample_rate} Hz",
            f"n_fft {spec.n_fft}",
            f"hop {spec.hop}",
            *unusual,
        ]
    )


def vocode(path: Path | str, voice: Path | str, out: str) -> str:
    """The command that vocodes `path` with a voice."""
    source, chosen = shlex.quote(str(path)), shlex.quote(str(voice))
    return f"tf-melgan vocode {source} --voice {chosen} --out {out}"
