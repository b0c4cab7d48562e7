"""Pages in a real browser: JupyterLab on this machine, headless Chromium, and what it has drawn."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
# as root, as in a container, Chromium has no sandbox; the others keep it from calling home
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_HERE = ("http://127.0.0.1:", "ws://127.0.0.1:", "file:", "data:", "blob:", "about:")

# What a page has drawn. Each entry is a list of faults, or a count.
_PROBE = """(scope) => {
  const all = (s) => [...document.querySelectorAll(s)];
  const seen = (e) => e.getClientRects().length > 0;
  const box = (e) => { const b = e.getBoundingClientRect(); return b.width * b.height; };
  const words = (e) => (e.innerText ?? e.textContent).slice(0, 80);
  const images = all(".jp-OutputArea-output img, main img");

  const parse = (c) => {
    const [r, g, b, a = 1] = c.match(/[\\d.]+/g).map(Number);
    return c.startsWith("color(srgb") ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
  };
  const over = (top, under) => top.slice(0, 3).map((v, k) => v * top[3] + under[k] * (1 - top[3]));
  const behind = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      layers.push(parse(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map(
      (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  let texts = 0;
  for (const root of all(scope)) {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const e = walk.currentNode.parentElement;
      const hidden = !seen(e) || e.closest("style, mjx-assistive-mml");
      if (hidden || !walk.currentNode.data.trim()) continue;
      texts += 1;
      const ground = behind(e);
      const ink = over(parse(getComputedStyle(e).color), ground);
      const [light, dark] = [luminance(ink), luminance(ground)].sort((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      if (ratio < 4.5) faint.push(`${walk.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
    }
  }
  const scrolls = (e) => {
    for (let at = e; at; at = at.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return at;
    return document.documentElement;
  };
  return {
    texts, faint,
    ground: luminance(behind(document.querySelector(scope))),
    cells: all(".jp-Cell").length,
    formulas: all("mjx-container, math:not(mjx-container math)").length,
    empty: all("mjx-container, math:not(mjx-container math)")
      .filter((e) => seen(e) && !(box(e) > 0)).map((e) => e.textContent),
    errors: all("mjx-merror, [data-mjx-error], merror").map(words),
    bare: all('[data-mime-type="text/latex"]')
      .filter((e) => !e.querySelector("mjx-container")).map(words),
    dollars: all(".jp-RenderedMarkdown, .jp-OutputArea-output, .tensorcalc")
      .filter((e) => e.innerText.includes("$")).map(words),
    images: images.length,
    dumb: images.filter((e) => !(e.alt.trim().length > 20)).map((e) => e.outerHTML.slice(0, 80)),
    broken: images.filter((e) => !(e.complete && e.naturalWidth > 0)).map((e) => e.alt),
    cut: [...all("mjx-container, .tensorcalc math, .tensorcalc table"), ...images]
      .filter((e) => seen(e) && e.getBoundingClientRect().right
        > scrolls(e).getBoundingClientRect().left + scrolls(e).scrollWidth + 2).map(words),
    fractions: all("mfrac").filter((e) => seen(e) && e.closest("mjx-container") === null)
      .filter((e) => !(e.children[0].getBoundingClientRect().bottom
        <= e.children[1].getBoundingClientRect().top + 1)).map((e) => e.textContent),
    wide: document.documentElement.scrollWidth - window.innerWidth,
  };
}"""


@contextmanager
def chromium():
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One page that is open, what it complained of, and whom it asked."""

    def __init__(self, page):
        self.page = page
        self.complaints, self.outside = [], []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._request(request.url))
        page.on("websocket", lambda socket: self._request(socket.url))

    def _console(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def _request(self, url):
        if not url.startswith(_HERE):
            self.outside.append(url)

    def drawn(self, scope):
        """Counts and faults of what is drawn, the colours within ``scope``."""
        return self.page.evaluate(_PROBE, scope)


@contextmanager
def visit(browser, scheme="light", width=1280, height=1400):
    """A page in a light or dark system, of a size."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    try:
        yield Visit(context.new_page())
    finally:
        context.close()


# ── JupyterLab ───────────────────────────────────────────────────────────────────────────

_SETTINGS = {
    "apputils-extension/themes": {"adaptive-theme": True},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # draw all cells, not those in view
}


class Lab:
    """A JupyterLab server on this machine."""

    def __init__(self, port, token):
        self.port, self.token = port, token

    def address(self, notebook):
        """Where a notebook is shown, in a workspace of its own."""
        place = f"http://127.0.0.1:{self.port}/lab/workspaces/{secrets.token_hex(4)}"
        return f"{place}/tree/{notebook}?reset&token={self.token}"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def jupyter_lab(folder, notebooks, trusted):
    """A server that shows copies of the notebooks; its settings and its home are its own."""
    root, home = folder / "notebooks", folder / "home"
    settings = home / "config/lab/user-settings/@jupyterlab"
    root.mkdir(parents=True)
    for name, values in _SETTINGS.items():
        file = settings / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    copies = [shutil.copy(path, root) for path in notebooks]
    own = {"HOME": home, "IPYTHONDIR": home, "JUPYTER_CONFIG_DIR": home / "config"}
    own |= {"JUPYTER_DATA_DIR": home / "data", "JUPYTER_RUNTIME_DIR": home / "runtime"}
    environment = os.environ | {name: str(place) for name, place in own.items()}
    jupyter = [sys.executable, "-m", "jupyter"]
    if trusted:
        subprocess.run([*jupyter, "trust", *copies], env=environment, check=True)
    lab = Lab(_free_port(), secrets.token_hex(16))
    log = folder / "lab.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [
                *jupyter, "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
                f"--port={lab.port}", "--port-retries=0", f"--IdentityProvider.token={lab.token}",
                f"--ServerApp.root_dir={root}",
            ],
            env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _await_server(lab, server, log)
            yield lab
        finally:
            server.terminate()
            server.wait(30)


def _await_server(lab, server, log: Path):
    for _ in range(240):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{lab.port}/api?token={lab.token}"):
                return
        except urllib.error.URLError:
            time.sleep(0.25)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")


def open_notebook(seen, lab, notebook, formulas):
    """Open a notebook and wait until as many formulas are drawn, and no more are coming."""
    seen.page.goto(lab.address(notebook))
    seen.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    count = "document.querySelectorAll('mjx-container').length"
    seen.page.wait_for_function(f"{count} >= {formulas}", timeout=120_000)
    before = -1
    while before != (before := seen.page.evaluate(count)):
        seen.page.wait_for_timeout(1500)
