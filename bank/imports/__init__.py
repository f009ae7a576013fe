"""Import of unit files: bytes → rows → checked units → tables. `bank.services.units_import` drives it."""
