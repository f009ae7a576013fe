"""A seeded, synthetic inventory: plausible, of nobody. `load.py` writes it, everything else is pure."""
