"""One file for each step, forwards and backwards."""
