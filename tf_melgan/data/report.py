"""What `prepare` says about the recordings: in one line, and one by one in report.csv."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

from tf_melgan.files import atomic_file

REPORT = "report.csv"


@dataclass(frozen=True)
class Report:
    """The result of `prepare`.

    Attributes:
        train: number of recordings for training.
        validation: number of recordings for validation.
        seconds: total duration of both, in seconds.
        new: number of recordings that were added or have changed, including refused ones.
        unchanged: number of recordings that an earlier call had prepared.
        refused: the reason for each refused recording, by its path.
        remarks: what is wrong with recordings that are used all the same, by their paths.
    """

    train: int
    validation: int
    seconds: float
    new: int
    unchanged: int
    refused: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        text = (
            f"{self.train} recordings to train on, {self.validation} to validate on, "
            f"{self.seconds / 60:.1f} minutes ({self.new} new, {self.unchanged} unchanged, "
            f"{len(self.refused)} refused"
        )
        text += f", {len(self.remarks)} used with a remark)" if self.remarks else ")"
        text += f"; {REPORT} says why" if self.refused or self.remarks else ""
        if self.validation:
            return text
        return text + "; none to validate on: put some into a folder called validation"


def write_report(path: Path, entries: list[dict]) -> None:
    """Writes a line for each entry of the index: used or refused, and why."""
    # A name that is not UTF-8 is written with the numbers of its bytes.
    with (
        atomic_file(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        table = csv.writer(file)
        table.writerow(["path", "split", "result", "remark"])
        for entry in entries:
            refused = entry.get("refused")
            split = "" if refused else entry["split"]
            table.writerow([entry["path"], split, refused or "used", entry.get("remark", "")])
