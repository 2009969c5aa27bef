"""The one exception of the suite."""


class InputError(ValueError):
    """Something a user handed over breaks a rule; the message is one line that names rule and offender."""
