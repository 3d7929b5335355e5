"""The algorithms: each once, as steps over blocks (map, collect, exchange) that any executor runs."""
