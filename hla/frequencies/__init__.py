"""Haplotype frequencies of a population: sets checked when they are read, and what can be said about them."""
