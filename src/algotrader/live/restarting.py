"""What a trader raises that ended at a safe point and is to be started anew."""


class RestartWantedError(Exception):
    """Its process is to be replaced at once (F11); the journal has all that it knew."""
