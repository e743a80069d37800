"""The browser client in headless Chromium: its output equals that of LiteRT in Python."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from helpers import chromium, generators, mutations
from helpers.chromium import script, serve_folder, wait
from helpers.speech import recordings
from selenium.webdriver import Chrome

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, write_audio
from tf_melgan.export.tflite.exporter import export_tflite
from tf_melgan.inference.engines.litert import LiteRTEngine

pytestmark = pytest.mark.slow

WEB = Path(__file__).parents[2] / "export" / "clients" / "web"
SPECS = {
    "hop256": MelSpec(),
    "hop300": MelSpec(24000, n_fft=1200, hop=300, n_mels=64, fmin=50, fmax=11000, log="ln"),
}
GENERATORS: dict[str, dict[str, Any]] = {
    "hop256": {},
    "hop300": {"n_mels": 64, "upsampling": (5, 3, 5), "bands": 4},
}
WEIGHTS = {"hop256": "float32", "hop300": "float16"}
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
STREAM_IN_CHUNKS = """
const { Vocoder } = await import("./vocoder.js");
const [name, chunkings] = args;
const vocoder = await Vocoder.open(name, await (await fetch(name)).arrayBuffer());
const bands = vocoder.spec.n_mels;
const differences = [];
for (const chunks of chunkings) {
  const frames = chunks.reduce((sum, count) => sum + count);
  const mel = Float32Array.from({ length: frames * bands }, (_, i) => -3 + Math.sin(i * i));
  const full = await vocoder.vocode(mel);
  const sound = [];
  let place = 0;
  for (const count of chunks) {
    sound.push(...(await vocoder.push(mel.slice(place, place + count * bands))));
    place += count * bands;
  }
  sound.push(...(await vocoder.finish()));
  const difference = Math.max(...full.map((value, i) => Math.abs(value - sound[i])));
  differences.push([frames, sound.length - full.length, difference]);
}
vocoder.close();
return differences;
"""
DROP = """
const transfer = new DataTransfer();
for (const name of args) {
  transfer.items.add(new File([await (await fetch(name)).blob()], name));
}
document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder to serve: the client, with voices and recordings."""
    missing = [name for name in ("npm", *chromium.PROGRAMS) if not shutil.which(name)]
    assert not missing, f"install {', '.join(missing)}; Debian: npm, chromium, chromium-driver"
    folder = tmp_path_factory.mktemp("web") / "site"
    shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True)
    for name, spec in SPECS.items():
        generator = generators.loud_generator(spec, **GENERATORS[name])
        export_tflite(generator, spec, folder / f"{name}.tflite", WEIGHTS[name])
    voice = (folder / "hop256.tflite").read_bytes()
    (folder / "truncated.tflite").write_bytes(voice[: len(voice) // 2])
    (folder / "changed.tflite").write_bytes(voice[:5000] + b"?" + voice[5001:])
    (folder / "foreign.tflite").write_bytes(b"TFL3" * 1000)
    (folder / "other-hop.tflite").write_bytes(mutations.with_values(voice, hop=128))
    (folder / "text.wav").write_text("no sound")
    soundfile.write(folder / "nan.wav", np.full(9000, np.nan), 22050, "FLOAT")
    paper = generators.GEOMETRIES["paper"]
    export_tflite(generators.generator(paper), generators.spec(paper), folder / "nan.tflite")
    silent = mutations.with_nan((folder / "nan.tflite").read_bytes(), generators.generator(paper))
    (folder / "nan.tflite").write_bytes(silent)
    write_audio(folder / "long.wav", np.zeros(8000 * 601, np.float32), 8000)
    speech, rate = load_audio(recordings(1)[0], 22050), 22050
    write_audio(folder / "speech.wav", speech[: 2 * rate + 77], rate)
    write_audio(folder / "short.wav", speech[rate : rate + 900], rate)
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    write_audio(folder / "sine16k.wav", sine.astype(np.float32), 16000)
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with serve_folder(site, {}) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium.browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def text(browser: Chrome, name: str) -> str:
    return browser.find_element("id", name).text


def problem(browser: Chrome) -> str | None:
    return browser.execute_script("return document.querySelector('#status.problem')?.textContent")


def choose(browser: Chrome, field: str, path: Path) -> None:
    browser.find_element("id", field).send_keys(str(path))


def shown(browser: Chrome) -> dict[str, np.ndarray]:
    """Waits until the page has vocoded, and returns its samples and log-mels."""
    wait(browser, lambda: "real time" in text(browser, "voice-facts") or problem(browser))
    assert not problem(browser)
    names = ("samples", "mel", "madeSamples", "madeMel")
    values = script(
        browser,
        "const { shown } = await import('./page.js'); return args[0].map((n) => [...shown[n]]);",
        names,
    )
    return {n: np.array(value, np.float32) for n, value in zip(names, values, strict=True)}


def vocoded(browser: Chrome, site: Path, voice: str, sound: str) -> dict[str, np.ndarray]:
    """What the page shows after a voice and a recording were opened in it."""
    choose(browser, "voice-file", site / f"{voice}.tflite")
    choose(browser, "sound-file", site / sound)
    return shown(browser)


def near(value: np.ndarray, exact: np.ndarray, tolerance: float) -> None:
    difference = np.abs(value - exact).max()
    print(f"differs by {difference:.2g} of {tolerance:.2g} that may be")
    assert difference <= tolerance


@pytest.mark.parametrize("sound", ["speech.wav", "short.wav"])
@pytest.mark.parametrize("voice", SPECS)
def test_the_page_makes_the_sound_that_python_makes(
    browser: Chrome, address: str, site: Path, voice: str, sound: str
) -> None:
    spec = SPECS[voice]
    browser.get(address)
    page = vocoded(browser, site, voice, sound)
    mel, actual = page["mel"].reshape(-1, spec.n_mels), page["madeSamples"]
    expected = LiteRTEngine(site / f"{voice}.tflite")(mel)
    if spec.sample_rate == 22050:
        # Chromium divides the positive samples of 16 bits by 32767.
        near(page["samples"], load_audio(site / sound, 22050), 2**-15)
    near(mel, log_mel(page["samples"].astype(np.float64), spec), 2e-6)
    assert 0.05 < expected.std() < 0.5
    near(actual, expected, 2e-6)
    near(page["madeMel"].reshape(mel.shape), log_mel(actual.astype(np.float64), spec), 2e-6)


def test_threads_do_not_change_the_output(browser: Chrome, address: str, site: Path) -> None:
    browser.get(address)
    assert not browser.execute_script("return crossOriginIsolated")
    alone = vocoded(browser, site, "hop256", "speech.wav")["madeSamples"]
    with serve_folder(site, ISOLATION) as isolated:
        browser.get(isolated)
        assert browser.execute_script("return crossOriginIsolated")
        assert np.array_equal(vocoded(browser, site, "hop256", "speech.wav")["madeSamples"], alone)


@pytest.mark.parametrize("voice", SPECS)
def test_streams_are_bit_identical_to_one_call_in_the_browser(
    browser: Chrome, address: str, voice: str
) -> None:
    browser.get(address)
    random = np.random.default_rng(5)
    chunks = [
        random_chunks(random, length) for length in (1, 2, 5, 6, 7, 33, 70, 131) for _ in range(2)
    ]
    differences = script(browser, STREAM_IN_CHUNKS, f"{voice}.tflite", chunks)
    assert differences == [[sum(sizes), 0, 0] for sizes in chunks]


def random_chunks(random: np.random.Generator, length: int) -> list[int]:
    """Chunk sizes, which may be 0, that sum to `length`."""
    borders = np.sort(random.integers(0, length + 1, random.integers(1, 6)))
    return np.diff([0, *borders, length]).tolist()


def test_the_vocoded_samples_are_played(browser: Chrome, address: str, site: Path) -> None:
    browser.get(address)
    samples = vocoded(browser, site, "hop256", "speech.wav")["madeSamples"]
    browser.find_element("id", "play-voice").click()
    playback = "const { shown } = await import('./page.js'); return [shown.played, shown.gaps];"
    assert wait(browser, lambda: (r := script(browser, playback))[0] and r) == [len(samples), 0]


def test_files_can_be_dropped(browser: Chrome, address: str, site: Path) -> None:
    browser.get(address)
    script(browser, DROP, "speech.wav", "hop256.tflite")
    dropped = shown(browser)
    browser.get(address)
    opened = vocoded(browser, site, "hop256", "speech.wav")
    assert np.array_equal(dropped["madeSamples"], opened["madeSamples"])


def test_the_microphone_is_recorded(browser: Chrome, address: str) -> None:
    browser.get(address + "?voice=hop256.tflite")
    button = browser.find_element("id", "record")
    button.click()
    wait(browser, lambda: button.text == "Stop")
    script(browser, "await new Promise((done) => setTimeout(done, 1500));")
    button.click()
    page = shown(browser)
    assert len(page["samples"]) > 22050
    assert np.abs(page["samples"]).max() > 0.01  # the beeps of Chromium's own device
    assert len(page["madeSamples"]) == 256 * -(-len(page["samples"]) // 256)


def test_a_recording_is_resampled(browser: Chrome, address: str, site: Path) -> None:
    browser.get(address)
    samples = vocoded(browser, site, "hop256", "sine16k.wav")["samples"]
    assert abs(len(samples) - 22050) <= 1
    exact = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / 22050)
    inner = slice(500, -500)  # resamplers differ at the ends
    near(samples[inner], exact[inner], 2e-4)


@pytest.mark.parametrize(
    ("field", "name", "start"),
    [
        ("voice-file", "truncated.tflite", "truncated.tflite: is not a tf-melgan voice, or is"),
        ("voice-file", "foreign.tflite", "foreign.tflite: is not a tf-melgan voice, or is"),
        ("voice-file", "other-hop.tflite", "other-hop.tflite: this LiteRT cannot run it ("),
        ("voice-file", "changed.tflite", "changed.tflite: its checksum is wrong; copy or export"),
        ("sound-file", "text.wav", "text.wav: cannot be decoded; give a wav"),
        ("sound-file", "nan.wav", "nan.wav: holds NaN or infinite samples; give finite ones"),
        ("sound-file", "long.wav", "long.wav: lasts 601 s; give at most 600 s at a time"),
    ],
)
def test_bad_files_get_one_clear_line(
    browser: Chrome, address: str, site: Path, field: str, name: str, start: str
) -> None:
    browser.get(address + "?voice=hop256.tflite")
    wait(browser, lambda: "22050 Hz" in text(browser, "voice"))
    choose(browser, field, site / name)
    line = wait(browser, lambda: problem(browser))
    assert line.startswith(start) and "\n" not in line
    # The page still works with the voice it had.
    choose(browser, "sound-file", site / "short.wav")
    wait(browser, lambda: not problem(browser))
    assert len(shown(browser)["madeSamples"]) == 1024


def test_sound_that_is_not_finite_is_an_error(browser: Chrome, address: str, site: Path) -> None:
    browser.get(address + "?voice=nan.tflite")
    choose(browser, "sound-file", site / "short.wav")
    line = wait(browser, lambda: problem(browser))
    assert line == "the voice gives NaN or infinite samples; its weights are damaged"
    # Another voice takes the recording that was opened.
    choose(browser, "voice-file", site / "hop256.tflite")
    wait(browser, lambda: not problem(browser))
    assert len(shown(browser)["madeSamples"]) == 1024


def test_the_page_sends_nothing_to_other_machines(address: str, site: Path, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    with chromium.browser(tmp_path / "profile", f"--log-net-log={log}") as browser:
        browser.get(address + "?voice=hop256.tflite")
        choose(browser, "sound-file", site / "speech.wav")
        assert len(shown(browser)["madeSamples"]) > 2 * 22050
    events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    # Requests of the page and its worker, without those of the browser itself.
    requested = {
        event["url"]
        for event in events
        if "url" in event and str(event.get("initiator", "")).startswith("http://127.0.0.1")
    }
    assert any(url.endswith(".wasm") for url in requested)
    assert all(url.startswith((address, f"blob:{address}")) for url in requested), requested
