"""The tables of tests/integration/test_sequences.py, one file per family."""
