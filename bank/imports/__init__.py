"""Import of unit files: bytes → rows → checked units → tables. `bank.services_import` drives it."""
