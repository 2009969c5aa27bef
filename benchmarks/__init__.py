"""Times and memory, measured against what the project replaces."""
