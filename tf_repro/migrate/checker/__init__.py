"""The ladder: rung by rung, a port is held against its TF1 original."""
