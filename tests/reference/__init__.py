"""What other people's tools say of the same tables: computed apart by ``make reference``, compared in ``make test``."""
