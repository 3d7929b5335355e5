"""Channels: ways to deliver one message to a system outside the server."""
