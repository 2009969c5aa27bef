"""How Findings are shown: on the terminal and as JSON."""
