"""Speed of arkserver, through a client on a running server, side by side with what a user would pick instead."""
