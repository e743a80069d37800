"""Headless Chromium, a static server for it, and scripts that run in its pages."""

import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

PROGRAMS = ("chromium", "chromedriver")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Resolve no host name: only 127.0.0.1 can be reached.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    # Use a fake microphone that beeps, and grant access to it without a prompt.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
_TIMEOUT = 120  # seconds


@contextmanager
def browser(profile: Path, *flags: str) -> Iterator[webdriver.Chrome]:
    """Opens a browser with its own profile folder and closes it at the end."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*_FLAGS, f"--user-data-dir={profile}", *flags):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(_TIMEOUT)
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def serve_folder(folder: Path, headers: dict[str, str]) -> Iterator[str]:
    """Serves a folder with extra HTTP headers. Yields the server's address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            for header in headers.items():
                self.send_header(*header)
            super().end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def wait(driver: webdriver.Chrome, condition: Callable[[], Any]) -> Any:
    """Waits until `condition` returns a true value, and returns it."""
    return WebDriverWait(driver, _TIMEOUT, 0.1).until(lambda _: condition())


def script(driver: webdriver.Chrome, body: str, *arguments: Any) -> Any:
    """Runs the body of an asynchronous function in the page; its arguments are `args`."""
    answer = driver.execute_async_script(
        "const args = [...arguments], done = args.pop();"
        f"(async () => {{ {body} }})().then((value) => done({{ value }}),"
        "(error) => done({ error: error.stack }));",
        *arguments,
    )
    assert "error" not in answer, answer["error"]
    return answer.get("value")
