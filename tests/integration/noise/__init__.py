"""What drivers send of their own accord: on connecting, to check a connection, on return to their pool."""
