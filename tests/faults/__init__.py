"""The fault matrix: what may go wrong, row by row, and what is true afterwards."""
