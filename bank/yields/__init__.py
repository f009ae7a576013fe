"""The yield of the bank: how far the units of a period came, what was lost on the way, what is in stock."""
