"""Write the description of the API, from which the console's client is made.

`python -m tools.openapi [FILE]`; without a file, `web/openapi.json`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from algotrader.api.app import build_app, serving_of
from algotrader.ops.config import load

ROOT = Path(__file__).resolve().parent.parent


def described() -> str:
    """OpenAPI as text, equal for equal code."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = load(None, environment={}, start=Path(folder))
        serving = serving_of(configuration)
        try:
            found = build_app(serving).openapi()
        finally:
            serving.access.close()
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "web" / "openapi.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(described(), encoding="utf-8")
    print(f"wrote {file}")
