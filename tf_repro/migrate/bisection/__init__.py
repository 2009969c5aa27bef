"""Where two programs part: every value of both is recorded and matched, and the first that is not is named."""
