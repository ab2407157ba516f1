"""The `algotrader` command: one module per command, loaded when it is called.

May import everything below. Read `commands.py` first (the table of commands), then `main.py`
(exit codes and how errors look) and `output.py` (what a command prints, and where).
"""
