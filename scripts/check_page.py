#!/usr/bin/env python3
"""Opens a page of `ironring bench` in headless Chromium, in windows of several sizes, and says what is wrong:
a plot that is missing or not drawn, an error on the console, a request to anywhere, a page wider
than its window.

    scripts/check_page.py PAGE.html [--screenshots DIRECTORY]

Chromium is spoken to over a pipe (--remote-debugging-pipe): JSON, each message ended by a zero byte.
"""
import argparse
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

# Windows: width, height, and which colours the reader prefers.
WINDOWS = {
    "desktop": (1280, 900, "light"), "dark": (1280, 900, "dark"), "tablet": (820, 1180, "light"),
    "phone": (360, 740, "light"),
}
# The kinds of plots that there must be.
KINDS = ["percentiles", "load", "throughput", "crowd", "kills"]
PATIENCE_S = 60
# Pixels of a picture: the browser refuses to make one much higher.
HIGHEST = 12000
# What is looked at in the page: each plot, which of its drawings is shown, and how much is in it.
LOOK = """JSON.stringify({
    width: document.documentElement.scrollWidth,
    height: document.documentElement.scrollHeight,
    window: window.innerWidth,
    plots: [...document.querySelectorAll('figure[data-plot]')].map(figure => ({
        kind: figure.dataset.plot,
        title: figure.querySelector('figcaption').textContent,
        series: figure.querySelectorAll('.legend li').length,
        shown: [...figure.querySelectorAll(':scope > svg')].filter(svg => svg.getBoundingClientRect().height > 100)
            .map(svg => svg.querySelectorAll('polyline, circle, polygon').length),
    })),
})"""


class Browser:
    """Chromium, and what it has told so far."""

    def __init__(self, profile):
        browser = shutil.which("chromium") or sys.exit("chromium is not here: apt-get install chromium")
        for_browser, self.to = os.pipe()
        self.source, from_browser = os.pipe()

        def as_chromium_expects():
            # Its ends may have these very numbers: none is closed before it is copied.
            ends = [os.dup(for_browser), os.dup(from_browser)]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"]
        self.process = subprocess.Popen(
            [browser, *options, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL,
            close_fds=False, preexec_fn=as_chromium_expects)
        os.close(for_browser)
        os.close(from_browser)
        self.rest, self.events, self.last, self.session = b"", [], 0, None

    def call(self, method, **params):
        """The answer to one command; events that come before it are kept."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.last:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, event):
        while not any(one.get("method") == event for one in self.events):
            self.events.append(self.receive())

    def receive(self):
        deadline = time.monotonic() + PATIENCE_S
        while b"\0" not in self.rest:
            if not select.select([self.source], [], [], max(0, deadline - time.monotonic()))[0]:
                sys.exit(f"chromium has said nothing for {PATIENCE_S} s")
            more = os.read(self.source, 1 << 20)
            if not more:
                sys.exit(f"chromium ended with status {self.process.wait()}")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)


def complaints(events, address):
    """What the browser told of errors and requests."""
    for event in events:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            asked = params["request"]["url"].split("#")[0]
            if asked != address and not asked.startswith("data:"):
                yield f"asks for {asked}"
        elif method == "Runtime.exceptionThrown":
            yield f"a script fails: {params['exceptionDetails']['text']}"
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            yield f"console: {[one.get('value') for one in params['args']]}"
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            yield f"console: {params['entry']['text']}"


def look(browser, page, name, wanted, screenshots):
    """What is wrong with the page in a window of one size."""
    width, height, colours = WINDOWS[name]
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    browser.events.clear()
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=name == "phone")
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])
    for domain in ("Page", "Network", "Runtime", "Log"):
        browser.call(f"{domain}.enable")
    address = page.resolve().as_uri()
    browser.call("Page.navigate", url=address)
    browser.wait_for("Page.loadEventFired")
    # Whatever is asked for after loading.
    time.sleep(0.5)
    seen = json.loads(browser.call("Runtime.evaluate", expression=LOOK)["result"]["value"])
    if screenshots:
        clip = {"x": 0, "y": 0, "width": width, "height": min(seen["height"], HIGHEST), "scale": 1}
        shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        (screenshots / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
    browser.session = None
    yield from complaints(browser.events, address)
    if seen["width"] > seen["window"] or seen["window"] != width:
        yield f"is {seen['width']} pixels wide in a window of {seen['window']}, meant to be {width}"
    kinds = [plot["kind"] for plot in seen["plots"]]
    for kind in wanted:
        if kind not in kinds:
            yield f"has no plot of {kind}; there are: {sorted(set(kinds))}"
    for plot in seen["plots"]:
        if len(plot["shown"]) != 1 or not plot["shown"][0] >= plot["series"] > 0:
            yield (f"does not draw the plot {plot['title']!r} once: elements of the drawings shown: {plot['shown']}, "
                   f"series: {plot['series']}")


# What makes a page wrong, each with what is then said of it: the check is checked with them.
POLICY = '<meta http-equiv="Content-Security-Policy"'
SPOILT = {
    "has no plot of kills": lambda page: page.replace('data-plot="kills"', 'data-plot="other"'),
    "does not draw the plot": lambda page: page.replace("<polyline", "<g").replace("<circle", "<g"),
    "asks for http://127.0.0.1:9/": lambda page: page.replace(POLICY, "<meta").replace(
        "</body>", '<img src="http://127.0.0.1:9/" alt=""></body>'),
    "console: ['spoilt']": lambda page: page.replace(POLICY, "<meta").replace(
        "</body>", "<script>console.error('spoilt')</script></body>"),
    "a script fails": lambda page: page.replace(POLICY, "<meta").replace(
        "</body>", "<script>throw new Error('spoilt')</script></body>"),
    "Content Security Policy": lambda page: page.replace("</body>", "<script>'not allowed'</script></body>"),
    "pixels wide in a window": lambda page: page.replace("</body>", '<div style="width: 400px">spoilt</div></body>'),
}


def prove(browser, page, directory):
    """What is wrong with the check itself: a spoilt page of which it does not complain."""
    text = page.read_text()
    for complaint, spoil in SPOILT.items():
        spoilt = pathlib.Path(directory) / "spoilt.html"
        spoilt.write_text(spoil(text))
        said = list(look(browser, spoilt, "phone", KINDS, None))
        if not any(complaint in one for one in said):
            yield f"the check does not say {complaint!r} of a page that is spoilt so, but {said}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path, help="where to keep pictures of the page")
    args = parser.parse_args()
    if args.screenshots:
        args.screenshots.mkdir(parents=True, exist_ok=True)
    wrong = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        browser = Browser(directory)
        try:
            for name in WINDOWS:
                found = look(browser, args.page, name, KINDS, args.screenshots)
                wrong += [f"{name}: {args.page} {what}" for what in found]
            wrong += prove(browser, args.page, directory)
        finally:
            browser.process.kill()
            browser.process.wait()
    print(*wrong or [f"{args.page}: every plot is drawn, in {len(WINDOWS)} windows; no error, no request; "
                     f"{len(SPOILT)} spoilt pages found"], sep="\n")
    sys.exit(bool(wrong))


main()
