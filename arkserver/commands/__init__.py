"""One module per family of commands: thin functions from decoded parameters to engine values."""
