"""Strategies worth reading. None of them is advice; each is short enough to understand whole."""
