"""HLA kernel: names, typings, matching. Pure Python and NumPy; knows nothing of Django or databases."""
