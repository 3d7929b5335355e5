"""What runs in the server process: client requests, metrics, health, status; life cycle and signals."""
