"""All that is Dask: scheduler, executor over workers, exchange, launchers of workers.

The only folder that imports distributed.
"""
