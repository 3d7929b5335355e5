"""Objects from one server to another.

The server that sends listens on a port, the one that receives connects to it, asks for what there is, and then for one
piece after the other, so that neither holds more than a piece beyond the blocks themselves. This is not Arkouda's
exchange, which has no way to show a token, to refuse what is too large, or to say that something went wrong.
"""
