"""Checkpoints: the whole state in a folder of Parquet files, a manifest and checksums, and back."""
