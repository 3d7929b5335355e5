"""Strings: forms on the wire, choosing and joining, letters and substrings, patterns, hashes, casts, encodings."""
