"""A headless Chromium, spoken to in the DevTools protocol through a pair of pipes: one JSON text after the other, each
ended by a zero byte (--remote-debugging-pipe: descriptor 3 is read by the browser, 4 written)."""

import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import tempfile
import time

from . import processes
from .waiting import seconds, until

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
         "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--hide-scrollbars", "--remote-debugging-pipe"]


def program():
    """Debian's; None where there is none."""
    return shutil.which("chromium")


def _pipe():
    """Both ends clear of 3 and 4, which the shell lays the browser's ends on."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Browser:
    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-browser-"))
        its_input, self.output = _pipe()
        self.input, its_output = _pipe()
        for end in (its_input, its_output):
            os.set_inheritable(end, True)
        shell = f'exec "$@" 3<&{its_input} 4>&{its_output} {its_input}<&- {its_output}>&-'
        with open(self.directory / "chromium.log", "ab") as log:
            self.process = processes.start_with(
                ["setpriv", "--pdeathsig=KILL", "bash", "-c", shell, "bash", program(), *FLAGS, f"--user-data-dir={self.directory}", "about:blank"],
                log, pass_fds=(its_input, its_output), env={**os.environ, "HOME": str(self.directory)})
        os.close(its_input)
        os.close(its_output)
        self.buffer = b""
        self.number = 0
        self.events = []

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(seconds(10))
        except (AssertionError, OSError, TimeoutError):
            pass
        # Its own session, so its children are in a group of its number.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(seconds(10))
        os.close(self.input)
        os.close(self.output)
        shutil.rmtree(self.directory, ignore_errors=True)

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + seconds(20)
        while True:
            answer = self.read(deadline)
            if answer.get("id") != self.number:
                self.events.append(answer)
                continue
            assert "error" not in answer, f"{method}: {answer['error']}"
            return answer["result"]

    def read(self, deadline):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.input], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self.input, 1 << 20)
            assert piece, f"the browser has ended:\n{(self.directory / 'chromium.log').read_text(errors='replace')}"
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def page(self):
        return Page(self)


class Page:
    """One tab."""

    def __init__(self, browser):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def open(self, url):
        self.call("Page.navigate", url=url)

    def value(self, expression):
        """Of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression, what):
        return until(lambda: self.value(expression), what, interval=0.05)

    def show_as(self, width, height, scheme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        """Of the whole page, however long it is."""
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(picture))

    def complaints(self):
        """What the console and the log of the browser have as warning or error: exceptions, blocked content, ..."""
        self.value("1")  # what was said before has come by now
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            method, body = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(body["exceptionDetails"])
            if method == "Runtime.consoleAPICalled" and body["type"] in ("error", "warning", "assert"):
                found.append(body["args"])
            if method == "Log.entryAdded" and body["entry"]["level"] in ("error", "warning"):
                found.append(body["entry"])
        return found
