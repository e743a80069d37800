"""The browser client, in headless Chromium: its sound is that of Python's LiteRT.

Needs Node.js with npm, Chromium and chromedriver.
"""

import http.server
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from speech import recordings

from tf_melgan import audio
from tf_melgan.export.tflite import export_tflite
from tf_melgan.features import MelSpec, log_mel
from tf_melgan.generator import Generator
from tf_melgan.litert_voice import LiteRTVoice

pytestmark = pytest.mark.slow

WEB = Path(__file__).parent.parent / "export" / "clients" / "web"
NEEDED = ("npm", "chromium", "chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 120  # seconds

SPECS = {
    "hop256": MelSpec(),
    "hop300": MelSpec(24000, n_fft=1200, hop=300, n_mels=64, fmin=50, fmax=11000, log="ln"),
}
GENERATORS: dict[str, dict[str, Any]] = {
    "hop256": {},
    "hop300": {"n_mels": 64, "upsampling": (5, 3, 5), "bands": 4},
}
WEIGHTS = {"hop256": "float32", "hop300": "float16"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a web server shows: the client, and beside it voices and recordings."""
    missing = [program for program in NEEDED if not shutil.which(program)]
    assert not missing, f"{', '.join(missing)} not found; apt-get install {' '.join(NEEDED)}"
    folder = tmp_path_factory.mktemp("web") / "site"
    shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True)
    for name, spec in SPECS.items():
        keras.utils.set_random_seed(3)
        generator = Generator(**{"n_mels": 80, "channels": 32} | GENERATORS[name])
        generator.build((None, None, spec.n_mels))
        loud(generator)
        export_tflite(generator, spec, folder / f"{name}.tflite", WEIGHTS[name])
    voice = (folder / "hop256.tflite").read_bytes()
    (folder / "truncated.tflite").write_bytes(voice[: len(voice) // 2])
    (folder / "changed.tflite").write_bytes(voice[:5000] + b"?" + voice[5001:])
    (folder / "foreign.tflite").write_bytes(b"TFL3" * 1000)
    (folder / "text.wav").write_text("no sound")
    speech, rate = audio.load(recordings(1)[0], 22050), 22050
    audio.write(folder / "speech.wav", speech[: 2 * rate + 77], rate)
    audio.write(folder / "short.wav", speech[rate : rate + 900], rate)
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    audio.write(folder / "sine16k.wav", sine.astype(np.float32), 16000)
    return folder


def loud(generator: Generator) -> None:
    """Random weights by which no layer is silent and the sound is as loud as speech."""
    random = np.random.default_rng(3)
    scales = [v for v in generator.trainable_variables if v.path.endswith("/g")]
    for scale in scales:
        scale.assign(random.uniform(0.5, 1.5, scale.shape))
    (last,) = (v for v in generator.last.trainable_variables if v.path.endswith("/g"))
    last.assign(last * 1e-3)  # where tanh is linear
    mel = random.normal(-3, 1, (1, 50, generator.n_mels)).astype(np.float32)
    last.assign(last * (0.2 / np.std(generator(mel))))


@contextmanager
def served(site: Path, headers: dict[str, str]) -> Iterator[str]:
    """The address of a server of the site that adds headers."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            for header in headers.items():
                self.send_header(*header)
            super().end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site, {}) as address:
        yield address


def chromium(*flags: str) -> webdriver.Chrome:
    """A browser that knows no address but this machine's own."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    profile = tempfile.mkdtemp(prefix="tf-melgan-chromium-")
    alone = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
    for flag in (*FLAGS, alone, f"--user-data-dir={profile}", *flags):
        options.add_argument(flag)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options, service)
    browser.set_script_timeout(PATIENCE)
    return browser


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    browser = chromium()
    yield browser
    browser.quit()


def text(browser: webdriver.Chrome, name: str) -> str:
    return browser.find_element(By.ID, name).text


def wait(browser: webdriver.Chrome, condition: Callable[[], Any]) -> Any:
    return WebDriverWait(browser, PATIENCE, 0.1).until(lambda _: condition())


def script(browser: webdriver.Chrome, body: str, *arguments: Any) -> Any:
    """Runs an asynchronous function's body in the page; its arguments are `given`."""
    answer = browser.execute_async_script(
        "const given = [...arguments], done = given.pop();"
        f"(async () => {{ {body} }})().then((value) => done({{ value }}),"
        "(error) => done({ error: error.stack }));",
        *arguments,
    )
    assert "error" not in answer, answer["error"]
    return answer.get("value")


def vocoded(browser: webdriver.Chrome, site: Path, voice: str, sound: str) -> dict[str, np.ndarray]:
    """What the page shows after a voice and a recording were opened in it."""
    browser.find_element(By.ID, "voice-file").send_keys(str(site / f"{voice}.tflite"))
    browser.find_element(By.ID, "sound-file").send_keys(str(site / sound))
    return shown(browser)


def shown(browser: webdriver.Chrome) -> dict[str, np.ndarray]:
    wait(browser, lambda: "real time" in text(browser, "voice-facts") or problem(browser))
    assert not problem(browser)
    names = ("samples", "mel", "madeSamples", "madeMel")
    values = script(
        browser,
        "const { shown } = await import('./page.js'); return given[0].map((n) => [...shown[n]]);",
        names,
    )
    return {name: np.array(value, np.float32) for name, value in zip(names, values, strict=True)}


def problem(browser: webdriver.Chrome) -> str:
    return browser.execute_script("return document.querySelector('#status.problem')?.textContent")


def near(value: np.ndarray, exact: np.ndarray, tolerance: float) -> None:
    difference = np.abs(value - exact).max()
    print(f"differs by {difference:.2g} of {tolerance:.2g} that may be")
    assert difference <= tolerance


@pytest.mark.parametrize("sound", ["speech.wav", "short.wav"])
@pytest.mark.parametrize("voice", SPECS)
def test_the_page_makes_the_sound_that_python_makes(
    browser: webdriver.Chrome, address: str, site: Path, voice: str, sound: str
) -> None:
    spec = SPECS[voice]
    browser.get(address)
    page = vocoded(browser, site, voice, sound)
    mel, made = page["mel"].reshape(-1, spec.n_mels), page["madeSamples"]
    expected = LiteRTVoice(site / f"{voice}.tflite")(mel)
    if spec.sample_rate == 22050:
        # Chromium divides the positive samples of 16 bits by 32767.
        near(page["samples"], audio.load(site / sound, 22050), 2**-15)
    near(mel, log_mel(page["samples"].astype(np.float64), spec), 2e-6)
    assert 0.05 < expected.std() < 0.5
    near(made, expected, 2e-6)
    near(page["madeMel"].reshape(mel.shape), log_mel(made.astype(np.float64), spec), 2e-6)


def test_threads_change_no_bit(browser: webdriver.Chrome, address: str, site: Path) -> None:
    browser.get(address)
    alone = vocoded(browser, site, "hop256", "speech.wav")["madeSamples"]
    isolation = {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
    }
    with served(site, isolation) as isolated:
        browser.get(isolated)
        assert browser.execute_script("return crossOriginIsolated")
        assert np.array_equal(vocoded(browser, site, "hop256", "speech.wav")["madeSamples"], alone)


def test_what_is_made_is_heard(browser: webdriver.Chrome, address: str, site: Path) -> None:
    browser.get(address)
    page = vocoded(browser, site, "hop256", "speech.wav")
    browser.find_element(By.ID, "play-voice").click()
    script(browser, "const { shown } = await import('./page.js'); delete shown.played;")
    played = "return (await import('./page.js')).shown"
    report = wait(browser, lambda: "played" in (r := script(browser, f"{played};")) and r)
    assert report["played"] == len(page["madeSamples"])
    assert report["gaps"] == 0


@pytest.mark.parametrize("voice", SPECS)
def test_any_chunks_make_the_bits_of_the_whole(
    browser: webdriver.Chrome, address: str, voice: str
) -> None:
    browser.get(address)
    lengths = [1, 2, 5, 6, 7, 33, 70, 131]
    random = np.random.default_rng(5)
    chunks = [cut(random, length) for length in lengths for _ in range(2)]
    differences = script(
        browser,
        """
        const { Vocoder } = await import("./vocoder.js");
        const file = await fetch(given[0]);
        const vocoder = await Vocoder.open(given[0], await file.arrayBuffer());
        const bands = vocoder.spec.n_mels;
        const differences = [];
        for (const chunks of given[1]) {
          const frames = chunks.reduce((sum, count) => sum + count);
          const mel = Float32Array.from({ length: frames * bands }, (_, i) => -3 + Math.sin(i * i));
          const whole = await vocoder.whole(mel);
          const sound = [];
          let place = 0;
          for (const count of chunks) {
            sound.push(...(await vocoder.push(mel.slice(place, place + count * bands))));
            place += count * bands;
          }
          sound.push(...(await vocoder.finish()));
          if (sound.length !== whole.length) differences.push(`${sound.length}, ${whole.length}`);
          else differences.push(Math.max(...sound.map((x, i) => Math.abs(x - whole[i]))));
        }
        vocoder.close();
        return differences;
        """,
        f"{voice}.tflite",
        chunks,
    )
    assert differences == [0] * len(chunks)


def cut(random: np.random.Generator, length: int) -> list[int]:
    """Chunk sizes from 0 up that sum to `length`."""
    borders = np.sort(random.integers(0, length + 1, random.integers(1, 6)))
    return np.diff([0, *borders, length]).tolist()


def test_a_recording_is_resampled(browser: webdriver.Chrome, address: str, site: Path) -> None:
    browser.get(address)
    samples = vocoded(browser, site, "hop256", "sine16k.wav")["samples"]
    assert abs(len(samples) - 22050) <= 1
    exact = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / 22050)
    inner = slice(500, -500)  # no resampler knows what is beyond the ends
    near(samples[inner], exact[inner], 2e-4)


@pytest.mark.parametrize(
    ("opener", "name", "says"),
    [
        ("voice-file", "truncated.tflite", "truncated.tflite: is no voice of tf-melgan, or is"),
        ("voice-file", "foreign.tflite", "foreign.tflite: is no voice of tf-melgan, or is"),
        ("voice-file", "changed.tflite", "changed.tflite: its checksum is wrong; copy or export"),
        ("sound-file", "text.wav", "text.wav: is no sound that this browser can read; give a wav"),
    ],
)
def test_bad_files_get_one_clear_line(
    browser: webdriver.Chrome, address: str, site: Path, opener: str, name: str, says: str
) -> None:
    browser.get(address + "?voice=hop256.tflite")
    wait(browser, lambda: "22050 Hz" in text(browser, "voice"))
    browser.find_element(By.ID, opener).send_keys(str(site / name))
    line = wait(browser, lambda: problem(browser))
    assert line.startswith(says)
    # The page goes on with what it had.
    browser.find_element(By.ID, "sound-file").send_keys(str(site / "short.wav"))
    assert len(shown(browser)["madeSamples"]) == 1024


def test_nothing_leaves_the_machine(address: str, site: Path, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    browser = chromium(f"--log-net-log={log}")
    try:
        browser.get(address + "?voice=hop256.tflite")
        browser.find_element(By.ID, "sound-file").send_keys(str(site / "speech.wav"))
        assert len(shown(browser)["madeSamples"]) > 2 * 22050
    finally:
        browser.quit()
    events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    # Those that a page or its worker asked for, and not the browser for itself.
    asked = {
        event["url"]
        for event in events
        if "url" in event and str(event.get("initiator", "")).startswith("http://127.0.0.1")
    }
    assert any(url.endswith(".wasm") for url in asked)
    assert all(url.startswith((address, f"blob:{address}")) for url in asked), asked
