"""The `.keras` file format of a voice: Keras's own, with the mel convention in `mel.json`.

`tf_melgan.voices.archive` seals it with a checksum.
"""

import json
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config.parsing import build
from tf_melgan.errors import UserInputError
from tf_melgan.models.cost import parameters, require_sensible
from tf_melgan.models.registry import GENERATORS
from tf_melgan.strict_json import parse_json
from tf_melgan.voices.archive import read_archive, seal_archive

_SPEC, _ARCHITECTURE, _WEIGHTS = "mel.json", "config.json", "model.weights.h5"
_LEAST_BYTES = 2  # of a parameter, in float16


def finish(path: Path, spec: MelSpec) -> None:
    """Adds the mel convention and the checksum to a file that Keras wrote."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(_SPEC, json.dumps(spec.to_dict()))
    seal_archive(path)


def read_spec(path: Path) -> MelSpec:
    """Verifies a file, so that Keras can load it, and reads its mel convention.

    Args:
        path: the `.keras` file.

    Returns:
        The mel convention of the voice.

    Raises:
        UserInputError: the file has no mel convention, or a setting of its generator is wrong.
        ValueError: it cannot be read, is damaged, or is no generator that its weights can fill.
    """
    entries = read_archive(path)
    if _SPEC not in entries:
        raise UserInputError(
            f"{path}: does not say which mel it reads; save the generator with "
            "MelGAN.save_generator"
        )
    try:
        spec = MelSpec.from_dict(_table(entries[_SPEC]))
        architecture = _table(entries.get(_ARCHITECTURE, b""))
        _check_generator(architecture, spec, len(entries.get(_WEIGHTS, b"")))
    except UserInputError as error:
        raise UserInputError(f"{path}: {error}") from None
    return spec


def _table(content: bytes) -> dict[str, Any]:
    values = parse_json(content)
    if not isinstance(values, dict):
        raise ValueError("no table")
    return values


def _check_generator(architecture: dict[str, Any], spec: MelSpec, weights_bytes: int) -> None:
    """Checks, before Keras builds it, that a file's generator is one that its weights can fill."""
    section, settings = _section(architecture.get("class_name")), architecture.get("config")
    if not isinstance(settings, dict):
        raise ValueError("no settings")
    if any(settings.get(key, value) != value for key, value in _of_spec(spec).items()):
        raise ValueError("another mel")
    known = {field.name for field in fields(section)} & settings.keys()
    config = build(section, {key: settings[key] for key in known}, "generator.")
    config.check_mel(spec)
    layers = config.convolutions(spec)
    require_sensible("generator", layers)
    if _LEAST_BYTES * parameters(layers) > weights_bytes:
        raise ValueError("too few weights")


def _section(class_name: Any) -> Any:
    """The config section of a generator, `MelGANConfig` for the class `MelGANGenerator`."""
    for section in GENERATORS.values():
        if class_name == f"{section.__name__.removesuffix('Config')}Generator":
            return section
    raise ValueError("no generator")


def _of_spec(spec: MelSpec) -> dict[str, Any]:
    """What generators store of their mel convention, by key."""
    return {
        "mel": spec.to_dict(),
        "n_mels": spec.n_mels,
        "hop": spec.hop,
        "center": spec.center,
    }
