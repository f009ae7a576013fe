"""Survival statistics: pure NumPy, no Django. Arrives with the outcomes issue."""
