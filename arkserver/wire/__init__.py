"""The only place that knows the text of the protocol: envelope, parameters, replies, authentication."""
