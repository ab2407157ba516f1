"""The decision cycle: one deterministic step from an event to events and commands.

No clock, no network, no randomness: time comes in with events, and what is to be done outside is
asked for in commands. State is the fold of the events (`state.py`), so a journal of them is enough
to stand where the engine stood. May import execution, risk, portfolio, strategy and below.
Read `engine.Engine.handle` first.
"""
