"""The dossier of a unit: everything that ever happened to it, as JSON and as PDF.

`registry` knows the sections, `records` turns rows into values, `build` puts them together, `printed` lays them out.
Every table that refers to a unit or its donation is a section or is left out with a reason: a test fails on one that is
neither (tests/bank/test_dossier_covers.py).
"""
