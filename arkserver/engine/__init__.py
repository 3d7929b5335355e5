"""Values, symbol table, memory accounts and the block-wise algorithms."""
