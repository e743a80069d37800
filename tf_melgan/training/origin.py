"""Remembers which voice a fine-tuned run started from: RUN/origin.json."""

import hashlib
import json
from pathlib import Path

from tf_melgan.errors import UserInputError, require
from tf_melgan.files import atomic_file
from tf_melgan.strict_json import parse_json
from tf_melgan.voices.run_folder import ORIGIN
from tf_melgan.voices.weights_file import VoiceWeights


def write_origin(run: Path, voice: VoiceWeights) -> None:
    """Writes the checksum of the voice's weights into a run's folder."""
    with atomic_file(run / ORIGIN) as temporary:
        temporary.write_text(json.dumps({"weights_sha256": _checksum(voice)}), encoding="utf-8")


def require_origin(run: Path, voice: VoiceWeights, name: str) -> None:
    """Checks that a run started from a voice, where the run's folder tells.

    Args:
        run: the run's folder.
        voice: the voice that the run is to resume with.
        name: how the user calls the voice.

    Raises:
        UserInputError: the run started from other weights, or its `origin.json` is damaged.
    """
    path = run / ORIGIN
    if not path.exists():  # a run of `train`, or of an earlier version
        return
    try:
        known = parse_json(path.read_bytes())["weights_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserInputError(f"{path}: is damaged; delete it to go on without it") from None
    require(
        known == _checksum(voice),
        f"{run}: started from other weights than {name} has now; give another run folder, or "
        "resume the run with tf-melgan train, its config.yaml and its data",
    )


def _checksum(voice: VoiceWeights) -> str:
    digest = hashlib.sha256()
    for weight in (*voice.generator, *(voice.discriminator or [])):
        digest.update(f"{weight.shape}\n".encode())
        digest.update(weight.tobytes())
    return digest.hexdigest()
