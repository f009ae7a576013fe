"""Lists of earlier transplants (CSV, XLSX) to checked rows, and those into the tables."""
