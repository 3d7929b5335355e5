"""The Python client: numpy, pyzmq and msgspec are all that it imports."""
