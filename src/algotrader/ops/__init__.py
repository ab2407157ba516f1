"""Operation: the configuration file, and later wiring, logging, scheduling, health.

May import everything but api and cli.
Read first: `config.load`, which reads algotrader.yaml; `settings.Settings` is its schema.
"""
