"""Packaging: the wheel, requirements and pins, and errors about missing packages."""

import ast
import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib import metadata, resources
from pathlib import Path
from types import ModuleType

import pytest
from helpers.missing import without
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import tf_melgan
from tf_melgan.cli.main import main
from tf_melgan.config import Config
from tf_melgan.training.cost import summary

ROOT = Path(__file__).parent.parent
REQUIREMENTS = [Requirement(line) for line in metadata.requires("tf-melgan") or []]
DISTRIBUTIONS = {"yaml": "pyyaml", "visqol": "visqol-python"}
CONFIGS = sorted(path.name for path in (ROOT / "configs").glob("*.yaml"))
# Runs in an environment with only the packages that `import tf_melgan` needs.
WITHOUT_TRAINING = """
import sys
import numpy, tf_melgan
for name in ("keras", "tensorflow", "jax", "librosa", "soxr", "scipy", "matplotlib"):
    assert sys.modules.get(name) is None, name
mel = tf_melgan.log_mel(numpy.zeros(2560, "float32"), tf_melgan.MelSpec())
assert mel.shape == (10, 80) and abs(mel + 5).max() < 1e-6
try:
    tf_melgan.MelGAN
except ImportError as error:
    print(error)
"""
INSTALL_TRAINING = 'pip install ".[train]" in its folder'


def required(extra: str = "") -> dict[str, Requirement]:
    """The requirements of an extra, or without one those that are always installed, by name."""
    return {
        canonicalize_name(item.name): item
        for item in REQUIREMENTS
        if (item.marker.evaluate({"extra": extra}) if item.marker else not extra)
    }


def pins(name: str) -> dict[str, str]:
    """The versions in a constraints file, by package."""
    lines = (ROOT / "constraints" / name).read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(package): version for package, version in pairs}


def imported_by(path: Path) -> set[str]:
    """The packages that a file imports, at the top or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    packages = {name.partition(".")[0] for name in names}
    siblings = {sibling.stem for sibling in path.parent.glob("*.py")}
    return packages - sys.stdlib_module_names - siblings - {"tf_melgan"}


@pytest.mark.parametrize("folder", ["tf_melgan", "export"])
def test_every_import_is_a_requirement(folder: str) -> None:
    # Without the extras that only tests and documents need.
    extras = ("", "train", "jax", "io", "onnx", "serving", "visqol")
    known = {name for extra in extras for name in required(extra)}
    for path in (ROOT / folder).rglob("*.py"):
        for name in imported_by(path):
            assert canonicalize_name(DISTRIBUTIONS.get(name, name)) in known, (path, name)


@pytest.mark.parametrize(
    ("constraints", "extras"),
    [
        ("py311.txt", ["", "train", "jax", "onnx", "serving", "dev", "oracle", "docs"]),
        ("py312.txt", ["", "train", "jax", "dev"]),
        ("py313.txt", ["", "train", "jax", "dev"]),
        ("py311-tf217.txt", ["", "train", "io", "dev", "oracle"]),
        ("py311-tfa.txt", ["tfa"]),
    ],
)
def test_every_requirement_is_pinned_within_its_bounds(constraints: str, extras: list[str]) -> None:
    versions = pins(constraints)
    for extra in extras:
        assert required(extra), extra
        for name, requirement in required(extra).items():
            assert requirement.specifier.contains(versions[name]), (requirement, versions[name])


def test_training_with_jax_needs_no_tensorflow() -> None:
    assert required("train").keys() - required("jax").keys() == {"tensorflow"}
    assert required("jax").keys() - required("train").keys() == {"jax"}


@pytest.mark.parametrize("name", CONFIGS)
def test_configs_ship_with_the_package(name: str) -> None:
    with resources.as_file(resources.files("tf_melgan.configs") / name) as path:
        assert Config.load(path) == Config.load(ROOT / "configs" / name)


def test_no_submodule_replaces_a_public_name() -> None:
    """Importing a submodule of the same name would replace a public name."""
    for _ in range(2):
        for name in tf_melgan.__all__:
            assert not isinstance(getattr(tf_melgan, name), ModuleType), name


def test_the_command_is_installed() -> None:
    (command,) = metadata.entry_points(group="console_scripts", name="tf-melgan")
    assert command.load() is main


def test_the_documented_costs_of_each_config_are_correct() -> None:
    page = (ROOT / "docs" / "configs.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| \[`([\w-]+)`\].* \| ([\d,]+) Hz \| (\d+) \| ([\d,]+)\b.* \| (.+) \|$", page, re.M
    )
    assert sorted(name for name, *_ in rows) == sorted(Path(name).stem for name in CONFIGS)
    for name, rate, hop, parameters, macs in rows:
        config = Config.load(ROOT / "configs" / f"{name}.yaml")
        assert (rate, hop) == (f"{config.mel.sample_rate:,}", str(config.mel.hop))
        generator = summary(config).splitlines()[0]
        assert f" {parameters} parameters" in generator and f" {macs} " in generator, name


def test_one_version_everywhere(capsys: pytest.CaptureFixture) -> None:
    assert metadata.version("tf-melgan") == tf_melgan.__version__
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"tf-melgan {tf_melgan.__version__}\n"
    assert f"## [{tf_melgan.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_missing_training_packages_are_named_with_their_extra() -> None:
    blocked = f"import sys; sys.modules |= dict.fromkeys({sorted(required('train'))})\n"
    code = blocked + WITHOUT_TRAINING
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert INSTALL_TRAINING in done.stdout


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(tmp_path: Path) -> None:
    def run(*command: str | Path, code: int = 0) -> str:
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    run(sys.executable, "-m", "build", "--outdir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"tf_melgan/configs/{name}" for name in CONFIGS} <= set(names)
    assert "tf_melgan/export/__init__.py" in names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "export"))]

    venv.create(tmp_path / "venv", with_pip=True)
    binaries = tmp_path / "venv" / "bin"
    constraints = ROOT / "constraints" / "py311.txt"
    run(binaries / "pip", "install", "-c", constraints, wheel)
    assert INSTALL_TRAINING in run(binaries / "python", "-c", WITHOUT_TRAINING)
    assert "prepare" in run(binaries / "tf-melgan", "--help")
    line = run(binaries / "tf-melgan", "train", "smoke", tmp_path, tmp_path / "run", code=2)
    assert INSTALL_TRAINING in line and "Traceback" not in line


@pytest.mark.parametrize(
    ("missing", "chosen", "expected"),
    [("tensorflow", None, "jax"), (None, None, "tensorflow"), (None, "jax", "jax")],
)
def test_keras_takes_the_backend_that_is_installed(missing, chosen, expected):
    for package in {"tensorflow", "jax"} - {missing}:
        pytest.importorskip(package)
    code = (
        f"{without(missing) if missing else ''}"
        "import tf_melgan, keras\nprint(keras.backend.backend())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    if chosen:
        environment["KERAS_BACKEND"] = chosen
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [expected]
