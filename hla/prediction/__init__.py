"""Match prediction: what a person's HLA probably is, and how many mismatches two people probably have."""
