"""Shared parts of the proofs: what a client may leave behind, how it may leave, and what the next one sees."""
