"""Registers the server with the system around it, keeps that true, and withdraws it."""
