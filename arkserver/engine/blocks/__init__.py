"""What happens to one block: threads over its chunks, kernels inside; NumPy arrays in, NumPy arrays out."""
