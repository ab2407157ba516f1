"""What a running trader lets people see: logs, metrics, health, the summary that `status` shows.

All of it listens to the output bus or looks at the state between steps; nothing here decides, and
nothing of it can hold up an order. Read first: `wiring.observed`.
"""
