"""CONTRIBUTING's three diffs apply, and what they add trains, exports and streams."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys

import keras
import numpy as np
from keras import ops

from tf_melgan import Config, MelGAN, MelSpec, Vocoder
from tf_melgan.training.cost import summary

config = Config.from_dict(
    {
        "mel": {"hop": 16, "n_fft": 64, "n_mels": 8},
        "generator": {"type": "frame"},
        "discriminator": {"type": "window", "channels": 6},
        "loss": {"weights": {"waveform": 2.0}},
        "training": {"segment": 256},
    }
)
assert Config.from_dict(config.to_dict()) == config
counts = [int(line.split()[1].replace(",", "")) for line in summary(config).splitlines()[:2]]
keras.utils.set_random_seed(0)
model = MelGAN(config)
assert counts == [model.generator.count_params(), model.discriminator.count_params()]
model.compile(keras.optimizers.Adam(1e-2), keras.optimizers.Adam(1e-2))
before = [x.get_weights() for x in (model.generator, model.discriminator)]
rng = np.random.default_rng(0)
mel = rng.uniform(-4, -2, (2, 16, 8)).astype("float32")
audio = rng.uniform(-1, 1, (2, 256, 1)).astype("float32")
waveform = np.abs(audio - ops.convert_to_numpy(model.generator(mel))).mean()
history = model.fit((x for x in [(mel, audio)]), steps_per_epoch=1, verbose=0).history
assert {"adversarial", "feature_matching", "discriminator", "score_real_1"} <= history.keys()
assert abs(history["waveform"][0] / waveform - 1) < 1e-5
after = [x.get_weights() for x in (model.generator, model.discriminator)]
for old, new in zip(before, after, strict=True):
    assert all(np.abs(a - b).max() > 0 for a, b in zip(old, new, strict=True)), (old, new)

if keras.backend.backend() == "tensorflow":
    from tf_melgan.export import export_tflite

    export_tflite(model.generator, config.mel, "frame.tflite")
    vocoder = Vocoder.load("frame.tflite")
    mel = rng.uniform(-4, -2, (50, 8)).astype("float32")
    sound = vocoder.vocode(mel)
    expected = ops.convert_to_numpy(model.generator(mel[None]))[0, :, 0]
    assert np.abs(sound - expected).max() <= 1e-5 * np.abs(expected).max()
    stream = vocoder.stream()
    parts = [stream.push(mel[:7]), stream.push(mel[7:8]), stream.push(mel[8:]), stream.finish()]
    np.testing.assert_array_equal(np.concatenate(parts), sound)
print("done", sys.modules["tf_melgan"].__file__)
"""


def apply(diff: str, root: Path) -> None:
    """Writes a diff's new files, and puts its added lines behind the lines that they follow.

    `git apply` would also want what comes after, which a type of your own changes.
    """
    pieces = re.split(r"^diff --git a/\S+ b/(\S+)\n", diff, flags=re.MULTILINE)[1:]
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        path, lines = root / name, body.splitlines()
        added = [line[1:] for line in lines if line.startswith("+") and line[:3] != "+++"]
        if "new file mode" in body:
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in added), encoding="utf-8")
            continue
        text, before = path.read_text(encoding="utf-8"), ""
        for line in lines:
            if line.startswith("+") and line[:3] != "+++":
                assert f"{before}\n" in text, f"{name}: no line {before!r}"
                text = text.replace(f"{before}\n", f"{before}\n{line[1:]}\n", 1)
            if line[:1] in ("+", " "):
                before = line[1:]
        path.write_text(text, encoding="utf-8")


def test_the_three_diffs_make_types_that_work(tmp_path):
    diffs = re.findall(
        r"^```diff\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M | re.S
    )
    assert len(diffs) == 3
    ignore = shutil.ignore_patterns("__pycache__", "node_modules")
    for folder in ("tf_melgan", "export", "configs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=ignore)
    for diff in diffs:
        apply(diff, tmp_path)
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=tmp_path, capture_output=True, text=True
    )
    # Other files' types are for `make types`, in the environment that it is made for.
    added = ("tf_melgan/models/frame/", "tf_melgan/models/window/", "tf_melgan/losses/waveform.py")
    assert checked.stdout.splitlines()[-1].startswith(("Success", "Found"))
    assert [line for line in checked.stdout.splitlines() if line.startswith(added)] == []
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == ["done", str(tmp_path / "tf_melgan" / "__init__.py")]
