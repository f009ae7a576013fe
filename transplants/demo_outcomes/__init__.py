"""Synthetic transplants of a demonstration with what became of the patients; no person, no hospital is real."""
