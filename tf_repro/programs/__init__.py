"""The two runners: a program's ``build()`` becomes a Record."""
