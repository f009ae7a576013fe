"""The search itself: arrays in, frozen dataclasses out. Knows no Django, no database, no broker."""
