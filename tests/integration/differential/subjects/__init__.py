"""One file for each subject; kinds.py collects them."""
