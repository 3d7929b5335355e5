"""Reading and writing files: Parquet, CSV."""
