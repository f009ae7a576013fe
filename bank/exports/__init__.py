"""Inventory files for other registries: units → elements → a file. `bank.services_exchange` drives it."""
