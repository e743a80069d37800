"""A folder of good and bad files for the tests of errors on the command line."""

import numpy as np
import pytest
import yaml

from tf_melgan.audio.sound_files import write_audio
from tf_melgan.config import Config
from tf_melgan.data.prepare import prepare

SETTINGS = {
    "mel": {"hop": 32, "n_fft": 256, "n_mels": 20},
    "generator": {"channels": 16, "upsampling": [4, 2], "bands": 4},
    "discriminator": {"scales": 1, "channels": 8, "max_channels": 16},
    "training": {
        "steps": 2,
        "checkpoint_interval": 1,
        "scored_recordings": 0,
        "batch": 2,
        "segment": 1024,
    },
}


@pytest.fixture(scope="package")
def workspace(tmp_path_factory):
    """A folder with one valid file of each kind and many invalid ones."""
    from tf_melgan.inference.engines.keras_engine import KerasEngine

    root = tmp_path_factory.mktemp("workspace")
    config = Config.from_dict(SETTINGS)
    config.save(root / "good.yaml")
    configs = {
        "typo": {"training": {"stps": 100}},
        "type": {"generator": {"channels": "wide"}},
        "hop": {"generator": {"upsampling": [8, 8, 2]}},
        "segment": {"training": {"segment": 8000}},
        "fmax": {"mel": {"sample_rate": 16000}},
        "start": {"training": {"discriminator_start": 1000}},
        "list": ["steps"],
    }
    for name, values in configs.items():
        (root / f"{name}.yaml").write_text(yaml.safe_dump(values))
    (root / "emptied.yaml").write_text("# all else is gone\n")
    (root / "broken.yaml").write_text("training: [1, 2\n")

    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 22050)
    for place in ("recordings/a.wav", "recordings/b.wav", "other/c.wav", "one/a.wav"):
        write_audio(root / place, noise, 22050)
    prepare(root / "recordings", root / "data", config.mel, validation=0)
    prepare(root / "recordings", root / "damaged", config.mel, validation=0)
    prepare(root / "one", root / "short", config.mel, validation=0)
    (root / "damaged/index.json").write_text("{")
    (stored,) = (root / "short").glob("*/*.npy")
    stored.write_bytes(stored.read_bytes()[:-2])

    generator = config.generator.build_generator(config.mel)
    KerasEngine(generator, config.mel).save(root / "voice.keras")
    (root / "noise.keras").write_bytes(b"noise")
    mels = {
        "good": np.full((5, 20), -2.0),
        "bands": np.full((5, 80), -2.0),
        "batch": np.full((2, 5, 20), -2.0),
        "nan": np.full((5, 20), np.nan),
        "integer": np.zeros((5, 20), np.int64),
        "natural": np.full((5, 20), -11.5),
        "object": np.array([{}, {}], dtype=object),
    }
    (root / "mels").mkdir()
    for name, mel in mels.items():
        np.save(root / f"mels/{name}.npy", mel)
    (root / "mels/text.npy").write_text("no array")
    (root / "mels/mel.txt").write_text("")
    (root / "empty").mkdir()

    config.save(root / "started/config.yaml")
    config.with_values(**{"training.batch": 4}).save(root / "claimed/config.yaml")
    Config.from_dict({**SETTINGS, "generator": {"type": "fourier"}}).save(
        root / "other-kind/config.yaml"
    )
    config.save(root / "torn/config.yaml")
    (root / "torn/generator.npz").write_bytes(b"noise")
    return root
