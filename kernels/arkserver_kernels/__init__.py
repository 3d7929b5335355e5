"""Numba kernels over NumPy arrays: sequential, without the GIL, one chunk a call."""
