"""Papers that travel with a unit, as PDF: what they say, from the rows of an order, in either language.

`given` reads the rows, a module for each paper says what stands in it, `printed` makes the files. Nothing is written
here: transplants.services_papers keeps what is handed out.
"""
