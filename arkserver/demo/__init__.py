"""The demo: real flights, analysed through the client on a server of its own, every answer checked against pandas."""
