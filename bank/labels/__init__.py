"""Labels as PDF: what stands on them (`contents`), how large they are (`formats`), where it stands (`layout`).

Barcodes (`barcodes`) are drawn as rectangles, so that they are sharp on any printer. Who may print what:
bank.services_labels.
"""
