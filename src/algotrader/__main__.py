"""`python -m algotrader`: the command, by the interpreter that runs it."""

from __future__ import annotations

import sys

from algotrader.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
