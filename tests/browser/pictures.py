"""The pictures of the guide: made by a test, and compared with those that the guide shows."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from tests.processes.running import ROOT

SHOWN: Final = ROOT / "docs" / "images"
MADE: Final = ROOT / "test-artefacts" / "guide"
# `make pictures` sets it.
ARE_NEW: Final = os.environ.get("PICTURES") == "new"
# How much of full contrast pictures may differ on average: numbers and times may, what stands where may not.
TOLERANCE: Final = 0.02
_DIFFERENCE = """
async (pictures) => {
  const [first, second] = await Promise.all(pictures.map(async (data) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const pen = new OffscreenCanvas(160, 112).getContext("2d");
    pen.drawImage(image, 0, 0, 160, 112);
    return [image.height / image.width, pen.getImageData(0, 0, 160, 112).data];
  }));
  if (Math.abs(first[0] - second[0]) > 0.01) return 1;
  return first[1].reduce((sum, value, place) => sum + Math.abs(value - second[1][place]), 0) / first[1].length / 255;
}
"""


def take(page: Page, name: str) -> Path:
    """Take the picture of what the window shows."""
    MADE.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    path = (SHOWN if ARE_NEW else MADE) / f"console-{name}.png"
    page.screenshot(path=path)
    return path


def difference(page: Page, made: Path) -> float:
    """Return how much a picture differs from the one in the guide, 0 to 1; 1 where there is none."""
    shown = SHOWN / made.name
    if not shown.exists():
        return 1.0
    page.goto("about:blank")
    return float(page.evaluate(_DIFFERENCE, [base64.b64encode(path.read_bytes()).decode() for path in (made, shown)]))
