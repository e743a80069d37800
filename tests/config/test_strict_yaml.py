"""Config files that YAML reads in surprising ways are refused in one line, quickly."""

import pytest
from helpers.bad_input import assert_user_error

from tf_melgan.config import Config

ALIASES = "line 1: anchors and aliases (& and *) are not supported; write the value out"
# Each level repeats the one before nine times; nine levels are 387 million values.
BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{','.join(9 * [f'*{before}'])}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
CASES = {
    "aliases": (BOMB, ALIASES),
    "one anchor": ("mel: &m {n_mels: 40}\n", ALIASES),
    "section twice": (
        "training:\n  steps: 2000\ntraining:\n  batch: 8\n",
        "line 3: 'training' is given twice; keep one",
    ),
    "key twice": (
        "mel:\n  n_mels: 40\n  hop: 4\n  n_mels: 80\n",
        "line 4: 'n_mels' is given twice; keep one",
    ),
    "merge key": (
        "<<: {mel: {n_mels: 40}}\n",
        "'<<' is not a known key; known: mel, generator, discriminator, loss, optimizer, training",
    ),
    "tag": ("mel: !!binary x\n", "line 1: tags (!) are not supported; leave them out"),
    "deep list": (
        f"mel: {'[' * 5000}{']' * 5000}\n",
        "line 1: values are nested more than 8 levels deep",
    ),
    "deep table": (
        f"mel: {'{a: ' * 900}{'}' * 900}\n",
        "line 1: values are nested more than 8 levels deep",
    ),
    "key of a list": (
        "? [a, b]\n: c\n",
        "line 1: a key is not a word; write it as `key: value` lines",
    ),
    "key of two lines": (
        '"a\\nb": 1\n',
        r"'a\nb' is not a known key; known: mel, generator, discriminator, loss, optimizer, "
        "training",
    ),
    "long value": (f"mel: {{log: {'x' * 300}}}\n", "line 1: a value is longer than 200 characters"),
    "long number": (
        f"training: {{seed: 0x{'f' * 3000}}}\n",
        "line 1: a value is longer than 200 characters",
    ),
    "long file": (
        "# " + 70_000 * "x",
        "is longer than a config, which has at most 65536 bytes",
    ),
    "long list": (
        f"generator: {{dilations: {[1] * 33}}}\n",
        "generator.dilations has 33 values; give at most 32",
    ),
    "date": ("mel: 2001-99-99\n", "mel is not a table of keys and values"),
    "no digits": ("mel: {hop: 0x_}\n", "not YAML; write it as `key: value` lines"),
    "two documents": (
        "mel: {}\n---\nmel: {}\n",
        "not YAML at line 2; write it as `key: value` lines",
    ),
    "not text": (b"\xff\xfe\x00", "cannot be read (not UTF-8 text); give a YAML config file"),
    "number beyond floats": (
        f"optimizer: {{epsilon: 1e{'0' * 190}999}}\n",
        "optimizer.epsilon is '1e0000000000...0000000000999'; give a number",
    ),
    "infinity": ("optimizer: {epsilon: .inf}\n", "optimizer.epsilon is inf; give a number"),
    "not a number": ("mel: {fmax: .nan}\n", "mel.fmax is nan; give a number"),
    "type of a list": (
        "generator: {type: [a]}\n",
        "generator.type is ['a']; choose one of melgan, fourier, hifigan, vocos",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_is_refused_in_one_line(tmp_path, name):
    content, line = CASES[name]
    path = tmp_path / "config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_user_error(lambda: Config.load(path), f"{path}: {line}")


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("mel.n_fft", 10**9, "mel.n_fft is 1000000000; it must be at most 32768"),
        ("mel.sample_rate", 10**6, "mel.sample_rate is 1000000; it must be at most 384000"),
        ("mel.n_mels", 1000, "mel.n_mels is 1000; it must be at most 512"),
        ("mel.floor", 1e-50, "mel.floor is 1e-50; it must be at least 1e-30"),
        ("generator.channels", 2**20, "generator.channels is 1048576; it must be at most 65536"),
        (
            "generator.channels",
            2**15,
            "generator has 16,271,632,385 parameters; at most 500,000,000 are sensible",
        ),
        ("generator.bands", 128, "generator.bands is 128; it must be at most 64"),
        (
            "discriminator.scales",
            10_000,
            "discriminator has 70,000 convolutions; at most 1,000 are sensible",
        ),
        ("training.steps", 10**10, "training.steps is 10000000000; it must be at most 1000000000"),
        ("training.batch", 10**6, "training.batch is 1000000; it must be at most 65536"),
        ("training.segment", 2**25, "training.segment is 33554432; it must be at most 16777216"),
        ("training.seed", 2**32, "training.seed is 4294967296; it must be at most 4294967295"),
        ("training.seed", -1, "training.seed is -1; it must be at least 0"),
    ],
)
def test_values_that_would_take_all_memory_are_refused(key, value, line):
    assert_user_error(lambda: Config().with_values(**{key: value}), f"config: {line}")


def test_a_number_that_python_does_not_write_is_refused():
    line = "config: training.seed is a number of thousands of digits; it must be at most 4294967295"
    assert_user_error(lambda: Config().with_values(**{"training.seed": 10**5000}), line)


def test_all_that_configs_need_is_read(tmp_path):
    (tmp_path / "config.yaml").write_text(
        "---\n# A comment.\ntraining: {seed: 0x10, batch: 1_0}\noptimizer:\n  learning_rate: 1e-3\n"
        "mel:\n  'log': \"ln\"\ngenerator:\n  dilations:\n  - 1\n  - 3\n...\n"
    )
    config = Config.load(tmp_path / "config.yaml")
    assert (config.training.seed, config.training.batch) == (16, 10)
    assert (config.optimizer.learning_rate, config.mel.log) == (1e-3, "ln")
    assert config.generator.dilations == (1, 3)
